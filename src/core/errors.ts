/**
 * Every known error of the product. A known error is something the reader can
 * act on; it prints as what, where and what to do, without a stack. Anything
 * else that is thrown is a bug.
 */
export type ErrorCode =
  | 'CONFIG_INVALID'
  | 'CLUSTER_INVALID'
  | 'SELECTION_INVALID'
  | 'CLAIMS_INVALID'
  | 'EVIDENCE_MISSING'
  | 'EVIDENCE_DAMAGED'
  | 'SETUP_FAILED'
  | 'SAFETY_VIOLATED'
  | 'LIVENESS_LOST'
  | 'PARSE_FAILED'
  | 'USAGE';

interface AssayErrorOptions {
  /** The next step for the person who reads the message. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** A known error: `message` says what, with the value and the place; `hint` says what to do next. */
export class AssayError extends Error {
  override readonly name = 'AssayError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: AssayErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}

/** The text of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
