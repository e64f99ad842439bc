import type { RunInTheMaking } from '../../evidence/imported-run.ts';
import type { Manifest } from '../../evidence/manifest.ts';
import { loadTables } from '../../evidence/tables/load-tables.ts';
import type { SampleRow } from '../../evidence/tables/samples.ts';
import type { Verdict } from '../../evidence/verdict.ts';
import { withVerification } from '../../evidence/verification.ts';
import type { Sha256 } from '../../core/hash.ts';
import type { Adapter, WorkloadResult } from '../../lifecycle/adapter.ts';
import { figuresOf, recordedResult } from '../../lifecycle/figures.ts';
import { judgeRun } from '../../lifecycle/judge-run.ts';
import { evaluateAll } from '../../verdicts/evaluate.ts';
import { frameworks } from '../registry.ts';
import { tool } from '../tool.ts';
import type { ImportedIdentity } from './imported-manifest.ts';

interface ToComplete {
  /** What the parser made of the file. */
  readonly read: { readonly rows: readonly SampleRow[]; readonly result: WorkloadResult };
  readonly identity: ImportedIdentity;
}

/** Writes the rows of an imported run and judges it; answers its manifest as it is then. */
export async function completeImported(
  making: RunInTheMaking,
  first: Manifest,
  { read, identity }: ToComplete,
): Promise<Manifest> {
  const { folder, writer } = making;
  const parsed = await timed(async () => {
    writer.events.record('parse.start', {});
    await making.writeRows(read.rows);
    const tables = await loadTables(folder);
    return { tables, ...recordedResult(figuresOf(read.result, tables)) };
  });
  const { samples, trajectory } = writer.rows();
  writer.events.record('parse.done', { ...endOf(parsed), samples_rows: samples, trajectory_rows: trajectory });
  const { tables, framework_versions, result } = parsed.value;
  const verified = await timed(async () => {
    writer.events.record('verify.start', {});
    const { thresholds, enforce, facts } = identity;
    const verificationHash = facts.verification_hash as Sha256;
    return judgeRun(judgeOf(facts.framework), { tables, result }, { thresholds, enforce, verificationHash, tool });
  });
  const verification = verified.value;
  writer.verification(verification);
  recordVerdicts(writer, verification.verdicts);
  writer.events.record('verify.done', endOf(verified));
  const { status, failure, verdicts } = verification;
  return {
    ...first,
    framework_versions,
    result,
    status,
    failure,
    verdicts: [...verdicts],
    verifications: withVerification(first.verifications, verification),
    phases: { parse: parsed.phase, verify: verified.phase },
  };
}

function recordVerdicts({ events }: RunInTheMaking['writer'], verdicts: readonly Verdict[]): void {
  const missed = verdicts.filter(({ passed }) => !passed);
  for (const { metric, actual, expected } of missed) events.record('verify.failed', { metric, actual, expected });
  if (missed.length === 0) events.record('verify.passed', { verdicts: verdicts.length });
}

/** Who judges the runs of a framework, launched ones as well. */
function judgeOf(framework: string): Pick<Adapter, 'verify'> {
  return frameworks.find(({ spec }) => spec.name === framework)?.create?.() ?? { verify: evaluateAll };
}

interface Timed<Value> {
  readonly value: Value;
  readonly phase: NonNullable<Manifest['phases']['parse']>;
}

async function timed<Value>(work: () => Promise<Value>): Promise<Timed<Value>> {
  const startedAt = new Date();
  const startedMs = performance.now();
  const value = await work();
  const durationS = Math.round(performance.now() - startedMs) / 1000;
  return { value, phase: { started_at: startedAt.toISOString(), duration_s: durationS, status: 'ok' } };
}

function endOf({ phase }: Timed<unknown>): { readonly phase_duration_s: number; readonly status: 'ok' } {
  return { phase_duration_s: phase.duration_s, status: 'ok' };
}
