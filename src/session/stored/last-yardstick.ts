import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { z } from 'zod';
import type { CellThreshold } from '../../config/cell.ts';
import { storedThresholdSchema } from '../../config/threshold.ts';
import { AssayError } from '../../core/errors.ts';
import type { Sha256 } from '../../core/hash.ts';
import type { Manifest } from '../../evidence/manifest.ts';
import { RUN_FILES } from '../../evidence/run-folder.ts';
import { readVerification } from '../../evidence/verification.ts';
import type { Yardstick } from '../../lifecycle/judge-run.ts';
import { tool } from '../tool.ts';

/** What a run was judged by last, and the pattern catalogue that its logs were held against then. */
export interface LastYardstick extends Yardstick {
  readonly patterns: string | null;
}

/**
 * What a run was judged by last; of one that came to no verdict, what it was to be judged by.
 *
 * @throws AssayError EVIDENCE_MISSING or EVIDENCE_DAMAGED, naming the file that says it.
 */
export function lastYardstick(folder: string, manifest: Manifest): LastYardstick {
  const entry = manifest.verifications.at(-1);
  const last = entry === undefined ? null : readVerification(folder, entry);
  const file = join(folder, entry?.file ?? RUN_FILES.config);
  return {
    thresholds: last?.thresholds ? judgedBy(file, last.thresholds) : toBeJudgedBy(join(folder, RUN_FILES.config)),
    enforce: manifest.enforce,
    // The manifest's schema has checked its form.
    verificationHash: manifest.verification_hash as Sha256,
    tool,
    patterns: last?.patterns ?? null,
  };
}

const storedThresholds = z.array(z.object({ threshold: storedThresholdSchema, source: z.string() }));
const storedConfig = z.object({ thresholds: z.array(storedThresholdSchema) });

function judgedBy(file: string, stored: unknown): readonly CellThreshold[] {
  const { data, error } = storedThresholds.safeParse(stored);
  if (data === undefined) throw unreadable(file, error);
  // The schema of a threshold is a union over all kinds; its output is one of them.
  return data as readonly CellThreshold[];
}

function toBeJudgedBy(file: string): readonly CellThreshold[] {
  const { data, error } = storedConfig.safeParse(load(readFileSync(file, 'utf8')));
  if (data === undefined) throw unreadable(file, error);
  return judgedBy(
    file,
    data.thresholds.map((threshold) => ({ threshold, source: RUN_FILES.config })),
  );
}

function unreadable(file: string, { issues }: z.ZodError): AssayError {
  const [first] = issues;
  return new AssayError(
    'EVIDENCE_DAMAGED',
    `${file} holds no thresholds that this version reads (${first?.path.join('.')}: ${first?.message})`,
    { hint: 'judge the run by the thresholds of today first: assay verify' },
  );
}
