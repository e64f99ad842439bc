import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AssayError, messageOf } from '../core/errors.ts';
import { noSecrets } from '../core/scrubber.ts';
import type { Scrubber } from '../core/scrubber.ts';
import { draftOf, writeFileAtomically } from './atomic-file.ts';
import { failureSchema, STATUSES } from './failure.ts';
import type { Manifest } from './manifest.ts';
import { RUN_FILES } from './run-folder.ts';
import { scrubbedValues, scrubbedVerdicts } from './scrubbed.ts';
import { verdictSchema } from './verdict.ts';

/** `verifications/<hash>.json`: how a run was judged at one time, and by what. */
const verificationSchema = z.object({
  verification_hash: z.string(),
  verified_at: z.string(),
  tool: z.object({ name: z.string(), version: z.string() }),
  /** Whether a missed threshold fails the run, or is only recorded. */
  enforce: z.boolean(),
  status: z.enum(STATUSES),
  failure: failureSchema.nullable(),
  /** The hash of the pattern catalogue that its logs were held against; null where a version before 1.2 judged. */
  patterns: z.string().nullable(),
  /** As they judged, each with the line that declares it; null where a version before 1.2 judged. */
  thresholds: z
    .array(z.object({ threshold: z.record(z.string(), z.unknown()), source: z.string() }).readonly())
    .readonly()
    .nullable(),
  verdicts: z.array(verdictSchema).readonly(),
});

/** How a run was judged at one time, and by what. */
export type Verification = Readonly<z.output<typeof verificationSchema>>;

/**
 * Keeps a judgement without secrets, beside those that other ways of judging gave; answers what was written. As a
 * draft it takes its place when an amendment of the run says so.
 */
export function writeVerification(
  folder: string,
  verification: Verification,
  { scrubber = noSecrets, isDraft = false }: { readonly scrubber?: Scrubber; readonly isDraft?: boolean } = {},
): Verification {
  const { failure, thresholds, verdicts } = verification;
  const written: Verification = {
    ...verification,
    failure: failure === null ? null : scrubbedFailure(failure, scrubber),
    thresholds: scrubbedValues(thresholds, scrubber),
    verdicts: scrubbedVerdicts(verdicts, scrubber),
  };
  mkdirSync(join(folder, RUN_FILES.verifications), { recursive: true });
  const path = join(folder, fileOf(verification.verification_hash));
  writeFileAtomically(isDraft ? draftOf(path) : path, `${JSON.stringify(written, null, 2)}\n`);
  return written;
}

function scrubbedFailure(
  failure: NonNullable<Verification['failure']>,
  scrubber: Scrubber,
): NonNullable<Verification['failure']> {
  const { message, evidence } = failure;
  return { ...failure, ...scrubbedValues({ message, evidence }, scrubber) };
}

/**
 * Reads what a run's history lists.
 *
 * @throws AssayError EVIDENCE_MISSING or EVIDENCE_DAMAGED, naming the file.
 */
export function readVerification(folder: string, { file }: Manifest['verifications'][number]): Verification {
  const path = join(folder, file);
  const { data, error } = verificationSchema.safeParse(readJson(path));
  if (data !== undefined) return data;
  const { path: field, message } = error.issues[0] ?? { path: [], message: '' };
  throw damaged(path, `${field.join('.')}: ${message}`, error);
}

/**
 * A run as one way of judging it left it, where it was judged that way before another; any other run as it is.
 *
 * @throws AssayError EVIDENCE_MISSING or EVIDENCE_DAMAGED, naming the file.
 */
export function asJudgedBy(folder: string, manifest: Manifest, verificationHash: string): Manifest {
  const entry = manifest.verifications.find((one) => one.verification_hash === verificationHash);
  if (manifest.verification_hash === verificationHash || entry === undefined) return manifest;
  const { enforce, status, failure, verdicts } = readVerification(folder, entry);
  return { ...manifest, verification_hash: verificationHash, enforce, status, failure, verdicts: [...verdicts] };
}

/**
 * The judgement of a run that a version without a history left: what its manifest says, at the time that its file says.
 *
 * @throws AssayError EVIDENCE_DAMAGED, naming the file.
 */
export function verificationBefore12(folder: string, manifest: Manifest): Verification {
  const { verification_hash, tool, status, failure, verdicts, timestamp_start, timestamp_end } = manifest;
  const path = join(folder, fileOf(verification_hash));
  const noted = existsSync(path) ? z.object({ verified_at: z.string() }).safeParse(readJson(path)).data : undefined;
  return {
    verification_hash,
    verified_at: noted?.verified_at ?? timestamp_end ?? timestamp_start,
    tool: { name: tool.name, version: tool.version },
    enforce: status !== 'recorded',
    status,
    failure,
    patterns: null,
    thresholds: null,
    verdicts,
  };
}

/** The history of a run with one more judgement at its end; of the same way of judging only the last one stays. */
export function withVerification(
  history: Manifest['verifications'],
  { verification_hash, verified_at, status }: Verification,
): Manifest['verifications'] {
  const others = history.filter((entry) => entry.verification_hash !== verification_hash);
  return [...others, { verification_hash, verified_at, status, file: fileOf(verification_hash) }];
}

function fileOf(verificationHash: string): string {
  return `${RUN_FILES.verifications}/${verificationHash.replace('sha256:', '')}.json`;
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw damaged(path, messageOf(cause), cause);
    throw new AssayError('EVIDENCE_MISSING', `there is no ${path}`, { hint: HINT, cause });
  }
}

const HINT = 'restore the file, or run the cell again';

function damaged(path: string, what: string, cause: unknown): AssayError {
  return new AssayError('EVIDENCE_DAMAGED', `${path} is no judgement of a run (${what})`, { hint: HINT, cause });
}
