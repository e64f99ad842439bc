import type { CellThreshold } from '../config/cell.ts';
import { hashOf } from '../core/hash.ts';
import type { Sha256 } from '../core/hash.ts';
import type { Failure } from '../evidence/failure.ts';
import type { LoadedTables } from '../evidence/tables/load-tables.ts';
import type { Manifest } from '../evidence/manifest.ts';
import type { Verdict } from '../evidence/verdict.ts';
import type { Verification } from '../evidence/verification.ts';
import type { Adapter } from './adapter.ts';
import { patternCatalogue } from './patterns.ts';

/** What a run is judged from, once it is written: its rows, and the figures of its manifest. */
export interface JudgedRun {
  readonly tables: LoadedTables;
  readonly result: Pick<Manifest['result'], 'scalars' | 'measured'>;
}

/** What a run is judged by. */
export interface Yardstick {
  readonly thresholds: readonly CellThreshold[];
  /** Whether a missed threshold fails the run, or is only recorded. */
  readonly enforce: boolean;
  readonly verificationHash: Sha256;
  /** Who judges. */
  readonly tool: Pick<Manifest['tool'], 'name' | 'version'>;
}

const patterns = hashOf(patternCatalogue);

/**
 * Judges a run that came through its load, now or long after it ended: the same run and the same yardstick always
 * give the same, but for the time.
 */
export function judgeRun(
  adapter: Pick<Adapter, 'verify'>,
  { tables, result }: JudgedRun,
  { thresholds, enforce, verificationHash, tool }: Yardstick,
): Verification {
  const judged = adapter.verify(
    thresholds.map(({ threshold }) => threshold),
    {
      // Every run has the file; in that of a training there is nothing.
      samples: tables.samples?.rows === 0 ? null : tables.samples,
      series: tables.series,
      scalars: stored(result.scalars),
      measuredDurationMs: result.measured.duration_ms,
      startedAtMs: result.measured.started_at_ms,
    },
  );
  const verdicts = judged.map((verdict, index) => {
    const source = thresholds[index]?.source;
    return source === undefined ? verdict : { ...verdict, source };
  });
  const failure = enforce ? failureOf(verdicts) : null;
  return {
    verification_hash: verificationHash,
    verified_at: new Date().toISOString(),
    tool: { name: tool.name, version: tool.version },
    enforce,
    status: failure !== null ? 'failed_verification' : enforce ? 'passed' : 'recorded',
    failure,
    patterns,
    thresholds,
    verdicts,
  };
}

/** Whether a judgement held the logs against today's pattern catalogue. */
export function isByTodaysPatterns(verification: Verification): boolean {
  return verification.patterns === patterns;
}

// JSON has no -0: what is judged is what will be read.
function stored(scalars: JudgedRun['result']['scalars']): JudgedRun['result']['scalars'] {
  return Object.fromEntries(Object.entries(scalars).map(([name, value]) => [name, value === null ? null : value + 0]));
}

function failureOf(verdicts: readonly Verdict[]): Failure | null {
  const missed = verdicts.filter(({ passed }) => !passed);
  if (missed.length === 0) return null;
  const message = missed.map(({ detail }) => detail).join('; ');
  return { category: 'verification_failure', originated_in_phase: 'verify', message, evidence: [] };
}
