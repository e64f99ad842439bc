import { defineCommand } from 'citty';
import type { ArgsDef } from 'citty';
import { AssayError } from '../core/errors.ts';
import { checkEvidence, readManifest } from '../evidence/run-reader.ts';
import { rejudgeStored } from '../session/stored/stored-cells.ts';
import type { StoredOutcome } from '../session/stored/stored-cells.ts';
import { readOptions } from './arguments.ts';
import type { Options } from './arguments.ts';
import { artifactsOf, BY_DEFAULT } from './artifacts.ts';
import { EXIT } from './exit.ts';
import { planSessionOf } from './plan-session.ts';
import { INTERRUPTED, inTurn, untilInterrupted, withProgress } from './progress.ts';
import { claimFilters, isFiltered, sessionOptions } from './session-options.ts';
import { parseSince } from './since.ts';
import {
  counted,
  noRuns,
  onScreen,
  problemDocument,
  problemLines,
  runDocument,
  runsBelow,
  shortened,
  sinceOption,
} from './stored-runs.ts';
import type { Artifacts } from './stored-runs.ts';
import type { VitestPlan } from './user-vitest.ts';
import { describeOutcomes, isGood, outcomesDocument } from './verify-report.ts';

const verifyOptions = {
  folder: {
    type: 'positional',
    required: false,
    description: `artifact directory, or a folder inside one ${BY_DEFAULT}`,
  },
  ...sessionOptions,
  since: sinceOption,
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
  const named = options.one('folder') === null ? null : await artifactsOf(options);
  const plan = await planSessionOf(options);
  const ofPlugin = plan.sessions.map(({ plan: { artifacts } }) => artifacts);
  const folders = [...new Set(named === null ? ofPlugin : [named.folder])];
  const { result: outcomes, isStopped } = await untilInterrupted((signal) =>
    outcomesOf(plan, { options, folders, sinceMs, signal }),
  );
  const scope = {
    isPartial: options.has('only-cells') || isFiltered(claimFilters(options)),
    isDryRun: options.has('dry-run'),
    isStopped,
  };
  const isEmpty = outcomes.length === 0 && folders.every((folder) => runsBelow(folder).length === 0);
  if (options.has('json')) process.stdout.write(`${JSON.stringify(outcomesDocument(outcomes, scope), null, 2)}\n`);
  else if (isEmpty)
    process.stdout.write(`${folders.map((folder) => noRuns(named ?? ofPluginAlone(folder))).join('\n')}\n`);
  else process.stdout.write(describeOutcomes(outcomes, scope));
  return isStopped ? INTERRUPTED : exitOf(outcomes);
}

function ofPluginAlone(folder: string): Artifacts {
  return {
    folder,
    advice: `looked in ${onScreen(folder)}, as the plugin says: name another folder behind the command`,
  };
}

interface JudgeOptions {
  readonly options: Options;
  readonly folders: readonly string[];
  readonly sinceMs: number | null;
  /** Aborted, no further run is begun. */
  readonly signal: AbortSignal;
}

function outcomesOf(
  { sessions }: VitestPlan,
  { options, folders, sinceMs, signal }: JudgeOptions,
): Promise<readonly StoredOutcome[]> {
  const cells = isFiltered(claimFilters(options))
    ? sessions.flatMap(({ claims }) => claims.map(({ planned }) => planned))
    : sessions.flatMap(({ plan }) => plan.cells);
  return withProgress('judging stored runs', async (tick) => {
    // How many of them began since then is known when all were looked at.
    const total = sinceMs === null ? folders.flatMap((folder) => runsBelow(folder)).length : null;
    const outcomes: StoredOutcome[] = [];
    for (const folder of folders) {
      const stored = rejudgeStored(folder, { cells, sinceMs, isDryRun: options.has('dry-run'), signal });
      for await (const outcome of stored) tick(outcomes.push(outcome), total);
    }
    return outcomes;
  });
}

/** A run that could not be judged first: what else was said is then not all there is to say. */
function exitOf(outcomes: readonly StoredOutcome[]): number {
  if (outcomes.some(({ state }) => state === 'problem')) return EXIT.usage;
  const judged = outcomes.filter((outcome) => outcome.state === 'judged');
  if (judged.length === 0) return EXIT.noVerdict;
  return judged.every(({ after }) => isGood(after)) ? EXIT.ok : EXIT.failed;
}

async function checkRuns(options: Options): Promise<number> {
  const stray = Object.keys(verifyOptions).find((name) => !CHECK_OPTIONS.has(name) && options.has(name));
  if (stray !== undefined) {
    throw new AssayError('USAGE', `--${stray} chooses nothing for --evidence, which checks every run of a folder`, {
      hint: 'name a folder, such as assay verify --evidence runs/my_test, or leave out one of the two',
    });
  }
  const artifacts = await artifactsOf(options);
  const unreadable: EvidenceCheck[] = [];
  const folders = runsBelow(artifacts.folder, (run, problem) => unreadable.push({ run, problem }));
  const { result, isStopped } = await inTurn('checking stored runs', folders, checkRun);
  const checks = [...unreadable, ...result];
  const damaged = result.filter(({ problem }) => problem !== null).length;
  if (options.has('json')) {
    const runs = checks.map(({ run, problem }) => ({
      ...runDocument(run),
      problem: problem === null ? null : problemDocument(problem),
    }));
    const totals = { checked: result.length, damaged, unreadable: unreadable.length };
    process.stdout.write(`${JSON.stringify({ runs, totals, stopped: isStopped }, null, 2)}\n`);
  } else
    process.stdout.write(
      folders.length + unreadable.length === 0
        ? `${noRuns(artifacts)}\n`
        : describeChecks({ checks, unreadable, isStopped }),
    );
  if (isStopped) return INTERRUPTED;
  // What is said of the others is then not all there is to say.
  if (unreadable.length > 0) return EXIT.usage;
  if (folders.length === 0) return EXIT.noVerdict;
  return damaged === 0 ? EXIT.ok : EXIT.failed;
}

/** What has a meaning beside --evidence. */
const CHECK_OPTIONS: ReadonlySet<string> = new Set(['folder', 'evidence', 'json']);

interface EvidenceCheck {
  readonly run: string;
  /** What is wrong and what to do; null when nothing is. */
  readonly problem: AssayError | null;
}

async function checkRun(run: string): Promise<EvidenceCheck> {
  try {
    await checkEvidence(run, readManifest(run), { hashes: 'all' });
    return { run, problem: null };
  } catch (thrown) {
    if (!(thrown instanceof AssayError)) throw thrown;
    return { run, problem: thrown };
  }
}

interface Checks {
  readonly checks: readonly EvidenceCheck[];
  /** Those of them that are folders of nobody knows how many runs. */
  readonly unreadable: readonly EvidenceCheck[];
  readonly isStopped: boolean;
}

function describeChecks({ checks, unreadable, isStopped }: Checks): string {
  const broken = checks.flatMap(({ problem }) => (problem === null ? [] : [problem]));
  const skipped = unreadable.length === 0 ? '' : `, ${counted(unreadable.length, 'folder')} could not be read`;
  const runs = counted(checks.length - unreadable.length, 'run');
  const count = `${runs} checked, ${broken.length - unreadable.length} damaged${skipped}`;
  const rest = isStopped ? ['Stopped between two runs: the rest was not looked at.'] : [];
  return `${[...shortened(broken, problemLines, { noun: 'problem' }), count, ...rest].join('\n')}\n`;
}
