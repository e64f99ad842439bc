/**
 * Every known error of the product. A known error is something the reader can
 * act on; it prints as what, where and what to do, without a stack. Anything
 * else that is thrown is a bug.
 */
export type ErrorCode =
  | 'CONFIG_INVALID'
  | 'SELECTION_INVALID'
  | 'CLAIMS_INVALID'
  | 'EVIDENCE_MISSING'
  | 'EVIDENCE_DAMAGED'
  | 'EVIDENCE_UNWRITABLE'
  | 'EVIDENCE_LOCKED'
  | 'SETUP_FAILED'
  | 'TEARDOWN_FAILED'
  | 'PARSE_FAILED'
  | 'NOTHING_TO_PARSE'
  | 'USAGE';

interface AssayErrorOptions {
  /** The next step for the person who reads the message. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** A known error: `message` says what, with the value and the place; `hint` says what to do next. */
export class AssayError extends Error {
  override readonly name = 'AssayError';
  // Private, so that no printer of errors lists them once more below the message.
  readonly #code: ErrorCode;
  readonly #hint: string | undefined;

  constructor(code: ErrorCode, message: string, { hint, cause }: AssayErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.#code = code;
    this.#hint = hint;
  }

  get code(): ErrorCode {
    return this.#code;
  }

  get hint(): string | undefined {
    return this.#hint;
  }
}

/**
 * Makes a known error print as what it is for: the message and the next step,
 * no stack. Anything else is a bug and keeps its stack.
 */
export function withoutStack(thrown: unknown): unknown {
  if (!(thrown instanceof AssayError)) return thrown;
  const next = thrown.hint === undefined ? '' : `\n   next: ${thrown.hint}`;
  // Two projects may share a session, and with it the one error that it ends with.
  if (!thrown.message.endsWith(next)) thrown.message += next;
  thrown.stack = `${thrown.name}: ${thrown.message}`;
  delete thrown.cause;
  return thrown;
}

/** The text of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** What a machine ran out of, and the next step. */
const EXHAUSTED: Readonly<Record<string, string>> = {
  ENOSPC: 'free space on this disk',
  EDQUOT: 'free space within the quota of this user',
  EMFILE: 'allow more open files: ulimit -n',
  ENFILE: 'allow the machine more open files: sysctl fs.file-max',
};

/** The text of anything that was thrown and, where one is known, the next step. */
export function sentenceOf(thrown: unknown): string {
  const hint = thrown instanceof AssayError ? thrown.hint : EXHAUSTED[codeOf(thrown)];
  return hint === undefined ? messageOf(thrown) : `${messageOf(thrown)} - ${hint}`;
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
}
