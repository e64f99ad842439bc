import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { defineCommand } from 'citty';
import type { ArgsDef } from 'citty';
import { AssayError } from '../core/errors.ts';
import { findRuns } from '../evidence/store/find-runs.ts';
import { checkEvidence, readManifest } from '../evidence/run-reader.ts';
import { rejudgeStored } from '../session/stored-cells.ts';
import type { StoredOutcome } from '../session/stored-cells.ts';
import { readOptions } from './arguments.ts';
import type { Options } from './arguments.ts';
import { EXIT } from './exit.ts';
import { planSessionOf } from './plan-session.ts';
import { withProgress } from './progress.ts';
import { claimFilters, isFiltered, sessionOptions } from './session-options.ts';
import { parseSince } from './since.ts';
import type { VitestPlan } from './user-vitest.ts';
import { describeOutcomes, isGood, outcomesDocument } from './verify-report.ts';

const verifyOptions = {
  folder: { type: 'positional', required: false, description: 'artifact directory, or a folder inside one' },
  ...sessionOptions,
  since: {
    type: 'string',
    valueHint: 'age',
    description: 'only runs that began since then: `30d`, `12h`, `2026-10-01`',
  },
  'dry-run': { type: 'boolean', description: 'judge and print, and write nothing' },
  evidence: { type: 'boolean', description: 'judge nothing: check sizes and hashes of all files' },
  json: { type: 'boolean', description: 'print one JSON document' },
} as const satisfies ArgsDef;

/** `assay verify [folder]`: today's thresholds on stored runs; with `--evidence`, is everything still there, unchanged? */
export const verify = defineCommand({
  meta: {
    name: 'verify',
    description: "Judge stored runs by today's thresholds, without a launch; or check their files with --evidence.",
  },
  args: verifyOptions,
  async run({ rawArgs }) {
    const options = readOptions(rawArgs, verifyOptions);
    process.exitCode = await (options.has('evidence') ? checkRuns(options) : judgeRuns(options));
  },
});

/** What `assay verify --help` shows below the options. */
export const verifyExamples = `  assay verify                            judge every stored run by the thresholds of today
  assay verify --dry-run                  what that would change
  assay verify --since 30d --only-cells 'balanced-*'
  assay verify --json | jq '.runs[] | select(.status.after == "failed_verification") | .run'
  assay verify --evidence                 check the files of every stored run under runs/
  assay verify --evidence runs/my_test    only those of one config
  assay verify --evidence --json | jq '.runs[] | select(.problem)'
`;

async function judgeRuns(options: Options): Promise<number> {
  const since = options.one('since');
  const sinceMs = since === null ? null : parseSince(since, new Date()).getTime();
  const plan = await planSessionOf(options);
  const isPartial = options.has('only-cells') || isFiltered(claimFilters(options));
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  process.once('SIGINT', stop);
  try {
    const outcomes = await withProgress('judging stored runs ...', () =>
      outcomesOf(plan, { options, sinceMs, signal: stopping.signal }),
    );
    const scope = { isPartial, isDryRun: options.has('dry-run'), isStopped: stopping.signal.aborted };
    if (options.has('json')) process.stdout.write(`${JSON.stringify(outcomesDocument(outcomes, scope), null, 2)}\n`);
    else process.stdout.write(describeOutcomes(outcomes, scope));
    return stopping.signal.aborted ? INTERRUPTED : exitOf(outcomes);
  } finally {
    process.removeListener('SIGINT', stop);
  }
}

/** What shells expect of a command that Ctrl-C ended. */
const INTERRUPTED = 130;

interface JudgeOptions {
  readonly options: Options;
  readonly sinceMs: number | null;
  /** Aborted, no further run is begun. */
  readonly signal: AbortSignal;
}

async function outcomesOf(
  { sessions }: VitestPlan,
  { options, sinceMs, signal }: JudgeOptions,
): Promise<readonly StoredOutcome[]> {
  const cells = isFiltered(claimFilters(options))
    ? sessions.flatMap(({ claims }) => claims.map(({ planned }) => planned))
    : sessions.flatMap(({ plan }) => plan.cells);
  const folder = options.one('folder');
  const folders = folder === null ? sessions.map(({ plan }) => plan.artifacts) : [existing(folder)];
  const outcomes: StoredOutcome[] = [];
  for (const one of new Set(folders)) {
    const stored = rejudgeStored(one, { cells, sinceMs, isDryRun: options.has('dry-run'), signal });
    for await (const outcome of stored) outcomes.push(outcome);
  }
  return outcomes;
}

function existing(folder: string): string {
  const path = resolve(folder);
  if (existsSync(path)) return path;
  throw new AssayError('USAGE', `there is no folder ${path}`, { hint: 'name an artifact directory, such as runs' });
}

/** A run that could not be judged first: what else was said is then not all there is to say. */
function exitOf(outcomes: readonly StoredOutcome[]): number {
  if (outcomes.some(({ state }) => state === 'problem')) return EXIT.usage;
  const judged = outcomes.filter((outcome) => outcome.state === 'judged');
  if (judged.length === 0) return EXIT.noVerdict;
  return judged.every(({ after }) => isGood(after)) ? EXIT.ok : EXIT.failed;
}

async function checkRuns(options: Options): Promise<number> {
  const checks: EvidenceCheck[] = [];
  for (const run of findRuns(resolve(options.one('folder') ?? 'runs'))) checks.push(await checkRun(run));
  const broken = checks.filter(({ problem }) => problem !== null);
  if (options.has('json')) process.stdout.write(`${JSON.stringify({ runs: checks }, null, 2)}\n`);
  else process.stdout.write(describeChecks(checks));
  return broken.length === 0 ? EXIT.ok : EXIT.failed;
}

interface EvidenceCheck {
  readonly run: string;
  /** What is wrong and what to do; null when nothing is. */
  readonly problem: { readonly message: string; readonly hint: string | null } | null;
}

async function checkRun(run: string): Promise<EvidenceCheck> {
  try {
    await checkEvidence(run, readManifest(run), { hashes: true });
    return { run, problem: null };
  } catch (thrown) {
    if (!(thrown instanceof AssayError)) throw thrown;
    return { run, problem: { message: thrown.message, hint: thrown.hint ?? null } };
  }
}

function describeChecks(checks: readonly EvidenceCheck[]): string {
  const broken = checks.flatMap(({ problem }) => (problem === null ? [] : [problem]));
  const lines = broken.map(({ message, hint }) => ` ✗ ${message}${hint === null ? '' : `\n   next: ${hint}`}`);
  const count = `${checks.length} ${checks.length === 1 ? 'run' : 'runs'} checked, ${broken.length} damaged`;
  return `${[...lines, count].join('\n')}\n`;
}
