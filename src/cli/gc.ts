import { existsSync } from 'node:fs';
import { relative, resolve } from 'node:path';
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
import { EXIT } from './exit.ts';
import { withProgress } from './progress.ts';
import { parseSince } from './since.ts';

const gcOptions = {
  folder: { type: 'positional', default: 'runs', description: 'artifact directory' },
  'keep-last': { type: 'string', description: 'keep the newest complete runs of each workload', valueHint: 'count' },
  'older-than': {
    type: 'string',
    description: 'delete only what ended before: 90d, 2w, 2026-01-31',
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
    const artifacts = artifactsOf(options);
    const rules = rulesOf(options, artifacts);
    const candidates = await withProgress('looking at stored runs ...', async () => candidatesIn(artifacts, rules));
    const outcomes = options.has('yes')
      ? await withProgress('deleting ...', () => deleteAll(artifacts, candidates))
      : candidates.goes.map((run) => ({ ...run, deletion: null }));
    const report: Report = { ...candidates, outcomes, next: commandOf(options) };
    process.stdout.write(options.has('json') ? `${JSON.stringify(asJson(report), null, 2)}\n` : describe(report));
    const isDone = outcomes.every(({ deletion }) => deletion?.state !== 'failed');
    process.exitCode = isDone ? EXIT.ok : EXIT.failed;
  },
});

/** What `assay gc --help` shows below the options. */
export const gcExamples = `  assay gc --keep-last 5                        what would go: all but the newest 5 of each workload
  assay gc --keep-last 5 --yes                  delete that
  assay gc --older-than 90d --keep-failed       what ended 90 days ago or earlier, and did not fail
  assay gc --keep-last 5 --older-than 90d       a run goes when it is out by both
  assay gc /shared/runs --older-than 90d --json | jq '.runs[].folder'
`;

function artifactsOf(options: Options): string {
  const artifacts = resolve(options.one('folder') ?? 'runs');
  if (artifacts !== resolve('runs') && !existsSync(artifacts)) {
    throw new AssayError('USAGE', `there is no folder ${artifacts}`, {
      hint: 'name an artifact directory, such as runs',
    });
  }
  return artifacts;
}

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

function candidatesIn(artifacts: string, rules: GcRules): Candidates {
  const unreadable: Candidates['unreadable'][number][] = [];
  const onUnreadable = (folder: string, reason: string): void => void unreadable.push({ folder, reason });
  const runs = existsSync(artifacts) ? [...storedRuns(artifacts, { onUnreadable })] : [];
  const { goes, stays } = planGc(runs, rules);
  const trash = existsSync(artifacts) ? findTrash(artifacts) : [];
  return { goes: goes.map((run) => ({ run, bytes: bytesIn(run.folder) })), stays, trash, unreadable };
}

interface Outcome extends Candidate {
  /** Null while nothing is deleted. */
  readonly deletion: Deletion | null;
}

async function deleteAll(artifacts: string, { goes, trash }: Candidates): Promise<readonly Outcome[]> {
  for (const folder of trash) await deleteTrash(artifacts, folder);
  const outcomes: Outcome[] = [];
  for (const candidate of goes) outcomes.push({ ...candidate, deletion: await deleteRun(artifacts, candidate.run) });
  return outcomes;
}

interface Report extends Candidates {
  readonly outcomes: readonly Outcome[];
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

function asJson({ outcomes, stays, trash, unreadable, next }: Report): unknown {
  return {
    dry_run: next !== null,
    runs: outcomes.map(({ run: { folder, fact }, bytes, deletion }) => ({
      run_id: fact['run_id'],
      test_id: fact['test_id'],
      cell_id: fact['cell_id'],
      workload_hash: fact['workload_hash'],
      status: fact['status'],
      timestamp_end: fact['timestamp_end'],
      folder,
      bytes,
      state: deletion?.state ?? 'would_go',
      reason: deletion === null || deletion.state === 'deleted' ? null : deletion.reason,
    })),
    bytes: bytesOf(outcomes),
    kept: stays.map(({ run, reason }) => ({ run_id: run.fact['run_id'], reason })),
    unreadable,
    leftovers: trash,
    next,
  };
}

/** More runs of a cell are counted only. */
const RUNS_SHOWN = 5;

function describe({ outcomes, stays, trash, unreadable, next }: Report): string {
  const cells = groupBy(outcomes, ({ run: { fact } }) => `${fact['test_id']}/${fact['cell_id']}`);
  const lines = [...cells].flatMap(([cell, ofCell]) => [
    ` ${cell}  ${counted(ofCell.length, 'run')}, ${sizeText(bytesOf(ofCell))}`,
    ...ofCell.slice(0, RUNS_SHOWN).map(lineOf),
    ...(ofCell.length > RUNS_SHOWN ? [`   … ${ofCell.length - RUNS_SHOWN} more (--json lists all)`] : []),
  ]);
  const problems = [
    ...outcomes.flatMap(({ run, deletion }) =>
      deletion === null || deletion.state === 'deleted' ? [] : [` ✗ ${shortPath(run.folder)}: ${deletion.reason}`],
    ),
    ...unreadable.map(({ folder, reason }) => ` ! kept, it cannot be read: ${shortPath(folder)}: ${reason}`),
  ];
  const hasWork = outcomes.length + trash.length > 0;
  return `${[
    ...lines,
    ...problems,
    summaryOf({ outcomes, trash, isDone: next === null }),
    ...keptLine(stays),
    ...(next === null || !hasWork ? [] : [` next: ${next}`]),
  ].join('\n')}\n`;
}

function lineOf({ run: { fact }, bytes }: Outcome): string {
  const ended = String(fact['timestamp_end'] ?? '-').replace(/\.\d+Z$/, 'Z');
  return `   ${String(fact['run_id'])}  ${ended}  ${String(fact['status'])}  ${sizeText(bytes)}`;
}

interface Summary extends Pick<Report, 'outcomes' | 'trash'> {
  readonly isDone: boolean;
}

function summaryOf({ outcomes, trash, isDone }: Summary): string {
  const gone = isDone ? outcomes.filter(({ deletion }) => deletion?.state === 'deleted') : outcomes;
  const verb = isDone ? 'deleted' : 'would go';
  const left = trash.length === 0 ? '' : `, and what ${counted(trash.length, 'broken-off deletion')} left`;
  return ` ${counted(gone.length, 'run')} ${verb}, ${sizeText(bytesOf(gone))}${left}`;
}

function keptLine(stays: Report['stays']): readonly string[] {
  if (stays.length === 0) return [];
  const reasons = groupBy(stays, ({ reason }) => reason);
  const counts = [...reasons].map(([reason, ofReason]) => `${ofReason.length} ${reason}`);
  return [` ${counted(stays.length, 'run')} ${stays.length === 1 ? 'stays' : 'stay'}: ${counts.join(', ')}`];
}

function shortPath(folder: string): string {
  return relative(process.cwd(), folder);
}

function bytesOf(candidates: readonly Candidate[]): number {
  return candidates.reduce((total, { bytes }) => total + bytes, 0);
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${Number((bytes / 1000 ** step).toPrecision(3))} ${units[step]}`;
}
