import { existsSync } from 'node:fs';
import { defineCommand } from 'citty';
import type { ArgsDef } from 'citty';
import { AssayError } from '../core/errors.ts';
import { groupBy } from '../core/group-by.ts';
import { baselineRefs } from '../evidence/store/baseline-refs.ts';
import { bytesIn, deleteRun, deleteTrash, findTrash } from '../evidence/store/gc-delete.ts';
import type { Deletion } from '../evidence/store/gc-delete.ts';
import { planGc } from '../evidence/store/gc.ts';
import type { GcPlan, GcRules } from '../evidence/store/gc.ts';
import { isClaimed, listLive } from '../evidence/store/live-runs.ts';
import { storedRuns } from '../evidence/store/run-store.ts';
import type { StoredRun } from '../evidence/store/run-store.ts';
import { shellWords } from '../exec/shell-quote.ts';
import { readOptions } from './arguments.ts';
import type { Options } from './arguments.ts';
import { artifactsOf, BY_DEFAULT } from './artifacts.ts';
import { EXIT } from './exit.ts';
import { INTERRUPTED, inTurn, withProgress } from './progress.ts';
import type { Tick } from './progress.ts';
import { parseSince } from './since.ts';
import { counted, onScreen, runDocument, shortened, unreadableLine } from './stored-runs.ts';
import type { Artifacts } from './stored-runs.ts';

const gcOptions = {
  folder: { type: 'positional', required: false, description: `artifact directory ${BY_DEFAULT}` },
  'keep-last': { type: 'string', description: 'keep the newest complete runs of each workload', valueHint: 'count' },
  'older-than': {
    type: 'string',
    description: 'delete only what ended before then: 90d, 2w, or a date such as 2026-01-31',
    valueHint: 'time',
  },
  'keep-failed': { type: 'boolean', description: 'keep every run that failed or was interrupted' },
  yes: { type: 'boolean', description: 'delete; without it nothing is changed' },
  json: { type: 'boolean', description: 'print one JSON document' },
} as const satisfies ArgsDef;

/** `assay gc [folder]`: deletes old runs, never one that is live or that a baseline refers to. */
export const gc = defineCommand({
  meta: {
    name: 'gc',
    description: 'Delete old runs. Shows what would go; never deletes what is live or in a baseline.',
  },
  args: gcOptions,
  async run({ rawArgs }) {
    const options = readOptions(rawArgs, gcOptions);
    const { folder: artifacts, advice } = await artifactsOf(options);
    const rules = rulesOf(options, artifacts);
    const candidates = await withProgress('looking at stored runs', async (tick) =>
      candidatesIn(artifacts, rules, tick),
    );
    const isDone = options.has('yes');
    if (isDone) for (const folder of candidates.trash) await deleteTrash(artifacts, folder);
    const { result: outcomes, isStopped } = isDone
      ? await inTurn('deleting runs', candidates.goes, async (one) => ({
          ...one,
          deletion: await deleteRun(artifacts, one.run),
        }))
      : { result: candidates.goes.map((one) => ({ ...one, deletion: null })), isStopped: false };
    const report: Report = { ...candidates, outcomes, isStopped, advice, next: commandOf(options) };
    process.stdout.write(options.has('json') ? `${JSON.stringify(asJson(report), null, 2)}\n` : describe(report));
    const hasFailed = outcomes.some(({ deletion }) => deletion !== null && deletion.state !== 'deleted');
    process.exitCode = isStopped ? INTERRUPTED : hasFailed ? EXIT.usage : EXIT.ok;
  },
});

/** What `assay gc --help` shows below the options. */
export const gcExamples = `  assay gc --keep-last 5                        what would go: all but the newest 5 of each workload
  assay gc --keep-last 5 --yes                  delete that
  assay gc --older-than 90d --keep-failed       what ended 90 days ago or earlier, and did not fail
  assay gc --keep-last 5 --older-than 90d       a run goes when it is out by both
  assay gc /shared/runs --older-than 90d --json | jq -r '.runs[].run'
`;

function rulesOf(options: Options, artifacts: string): GcRules {
  const [keepLast, olderThan] = [options.one('keep-last'), options.one('older-than')];
  if (keepLast === null && olderThan === null) {
    throw new AssayError('USAGE', 'nothing says which runs may go', {
      hint: 'give --keep-last 5, or --older-than 90d, or both',
    });
  }
  const live = new Set(listLive(artifacts).map(({ run_id: runId }) => runId));
  return {
    keepLast: keepLast === null ? null : countOf(keepLast),
    endedBeforeMs: olderThan === null ? null : parseSince(olderThan, new Date(), '--older-than').getTime(),
    keepFailed: options.has('keep-failed'),
    referenced: baselineRefs(artifacts),
    isLive: (runId) => live.has(runId) || isClaimed(artifacts, runId),
  };
}

function countOf(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new AssayError('USAGE', `--keep-last ${text} is no count`, {
    hint: 'write a whole number from 1 on, such as --keep-last 5',
  });
}

/** A run that goes, and what it weighs. */
interface Candidate {
  readonly run: StoredRun;
  readonly bytes: number;
}

interface Candidates {
  readonly goes: readonly Candidate[];
  readonly stays: GcPlan['stays'];
  /** What deletions that were broken off have left. */
  readonly trash: readonly string[];
  /** Run directories that cannot be read stay, each with the reason. */
  readonly unreadable: readonly { readonly folder: string; readonly reason: string }[];
}

function candidatesIn(artifacts: string, rules: GcRules, tick: Tick): Candidates {
  const unreadable: Candidates['unreadable'][number][] = [];
  const onUnreadable = (folder: string, reason: string): void => void unreadable.push({ folder, reason });
  const runs = existsSync(artifacts) ? [...storedRuns(artifacts, { onUnreadable })] : [];
  const { goes, stays } = planGc(runs, rules);
  const trash = existsSync(artifacts) ? findTrash(artifacts) : [];
  const weighed = goes.map((run, index) => {
    tick(index, goes.length);
    return { run, bytes: bytesIn(run.folder) };
  });
  return { goes: weighed, stays, trash, unreadable };
}

interface Outcome extends Candidate {
  /** Null while nothing is deleted. */
  readonly deletion: Deletion | null;
}

interface Report extends Candidates {
  readonly outcomes: readonly Outcome[];
  /** Whether Ctrl-C left some of it undone. */
  readonly isStopped: boolean;
  readonly advice: Artifacts['advice'];
  /** The command that deletes it; null when this one did. */
  readonly next: string | null;
}

function commandOf(options: Options): string | null {
  if (options.has('yes')) return null;
  const valued = ['keep-last', 'older-than'].flatMap((name) =>
    options.all(name).flatMap((value) => [`--${name}`, value]),
  );
  const kept = options.has('keep-failed') ? ['--keep-failed'] : [];
  return shellWords(['assay', 'gc', ...options.all('folder'), ...valued, ...kept, '--yes']);
}

function asJson({ outcomes, stays, trash, unreadable, isStopped, next }: Report): unknown {
  return {
    runs: outcomes.map(({ run: { folder, fact }, bytes, deletion }) => ({
      ...runDocument(folder),
      test_id: fact['test_id'],
      cell_id: fact['cell_id'],
      workload_hash: fact['workload_hash'],
      status: fact['status'],
      timestamp_end: fact['timestamp_end'],
      bytes,
      state: deletion?.state ?? 'would_go',
      reason: deletion === null || deletion.state === 'deleted' ? null : deletion.reason,
    })),
    bytes: bytesOf(outcomes),
    kept: stays.map(({ run, reason }) => ({ ...runDocument(run.folder), reason })),
    unreadable: unreadable.map(({ folder, reason }) => ({ ...runDocument(folder), reason })),
    leftovers: trash,
    dry_run: next !== null,
    stopped: isStopped,
    next,
  };
}

/** More runs of a cell are counted only. */
const RUNS_SHOWN = 5;

function describe({ outcomes, stays, trash, unreadable, isStopped, advice, next }: Report): string {
  const cells = [...groupBy(outcomes, ({ run: { fact } }) => `${fact['test_id']}/${fact['cell_id']}`)];
  const failed = outcomes.flatMap(({ run, deletion }) =>
    deletion === null || deletion.state === 'deleted' ? [] : [` ✗ ${onScreen(run.folder)}: ${deletion.reason}`],
  );
  const kept = unreadable.map((one) => unreadableLine('kept, it cannot be read', one));
  const hasWork = outcomes.length + trash.length > 0;
  return `${[
    ...shortened(cells, linesOfCell, { noun: 'cell' }),
    ...shortened([...failed, ...kept], (line) => [line], { noun: 'problem' }),
    summaryOf({ outcomes, trash, isDone: next === null }),
    ...keptLine(stays),
    ...(hasWork || stays.length + unreadable.length > 0 || advice === null ? [] : [advice]),
    ...(isStopped ? ['Stopped between two runs: the rest is as it was.'] : []),
    ...(next === null || !hasWork ? [] : [`next: ${next}`]),
  ].join('\n')}\n`;
}

function linesOfCell([cell, runs]: readonly [string, readonly Outcome[]]): readonly string[] {
  return [
    `${cell}  ${counted(runs.length, 'run')}, ${sizeText(bytesOf(runs))}`,
    ...shortened(runs, (outcome) => [lineOf(outcome)], { most: RUNS_SHOWN }),
  ];
}

function lineOf({ run: { fact }, bytes }: Outcome): string {
  const ended = String(fact['timestamp_end'] ?? '-').replace(/\.\d+Z$/, 'Z');
  return ` ${String(fact['run_id'])}  ${ended}  ${String(fact['status'])}  ${sizeText(bytes)}`;
}

interface Summary extends Pick<Report, 'outcomes' | 'trash'> {
  readonly isDone: boolean;
}

function summaryOf({ outcomes, trash, isDone }: Summary): string {
  const gone = isDone ? outcomes.filter(({ deletion }) => deletion?.state === 'deleted') : outcomes;
  const verb = isDone ? 'deleted' : 'would go';
  const left = trash.length === 0 ? '' : `, and what ${counted(trash.length, 'broken-off deletion')} left`;
  return `${counted(gone.length, 'run')} ${verb}, ${sizeText(bytesOf(gone))}${left}`;
}

function keptLine(stays: Report['stays']): readonly string[] {
  if (stays.length === 0) return [];
  const reasons = groupBy(stays, ({ reason }) => reason);
  const counts = [...reasons].map(([reason, ofReason]) => `${ofReason.length} ${reason}`);
  return [`${counted(stays.length, 'run')} ${stays.length === 1 ? 'stays' : 'stay'}: ${counts.join(', ')}`];
}

function bytesOf(candidates: readonly Candidate[]): number {
  return candidates.reduce((total, { bytes }) => total + bytes, 0);
}

function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${Number((bytes / 1000 ** step).toPrecision(3))} ${units[step]}`;
}
