import { defineCommand } from 'citty';
import type { ArgsDef } from 'citty';
import { isNamedBy } from '../config/only-cells.ts';
import { AssayError } from '../core/errors.ts';
import { groupBy } from '../core/group-by.ts';
import { formatNumber } from '../core/units.ts';
import type { Status } from '../evidence/failure.ts';
import type { Manifest } from '../evidence/manifest.ts';
import { readManifest } from '../evidence/run-reader.ts';
import { frameworks } from '../session/registry.ts';
import { reparse as reparseRun } from '../session/stored/reparse.ts';
import type { FigureChange } from '../session/stored/reparse-changes.ts';
import { readOptions } from './arguments.ts';
import type { Options } from './arguments.ts';
import { artifactsOf, BY_DEFAULT } from './artifacts.ts';
import { EXIT } from './exit.ts';
import { INTERRUPTED, inTurn } from './progress.ts';
import { sessionOptions, typedOptions } from './session-options.ts';
import { parseSince } from './since.ts';
import {
  cellDocument,
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
import { isGood } from './verify-report.ts';

const reparseOptions = {
  folder: {
    type: 'positional',
    required: false,
    description: `artifact directory, or a folder inside one ${BY_DEFAULT}`,
  },
  'only-cells': sessionOptions['only-cells'],
  since: sinceOption,
  'dry-run': { type: 'boolean', description: 'read and print, and write nothing' },
  json: { type: 'boolean', description: 'print one JSON document' },
} as const satisfies ArgsDef;

/** `assay reparse [folder]`: today's parser on the logs and attachments of stored runs. */
export const reparse = defineCommand({
  meta: {
    name: 'reparse',
    description: 'Read the logs and results of stored runs again by the parsers of this version, without a launch.',
  },
  args: reparseOptions,
  async run({ rawArgs }) {
    const options = readOptions(rawArgs, reparseOptions);
    const artifacts = await artifactsOf(options);
    const unreadable: Outcome[] = [];
    const runs = runsBelow(artifacts.folder, (run, error) =>
      unreadable.push({ state: 'refused', run, key: null, error }),
    );
    const { result, isStopped } = await inTurn('reading stored runs again', runs, readerOf(options));
    const outcomes = [...unreadable, ...result.filter((outcome) => outcome !== null)];
    const scope = { isDryRun: options.has('dry-run'), isStopped };
    if (options.has('json')) process.stdout.write(`${JSON.stringify(documentOf(outcomes, scope), null, 2)}\n`);
    else
      process.stdout.write(
        runs.length + unreadable.length === 0 ? `${noRuns(artifacts)}\n` : describe(outcomes, scope),
      );
    process.exitCode = isStopped ? INTERRUPTED : exitOf(outcomes);
  },
});

/** What `assay reparse --help` shows below the options. */
export const reparseExamples = `  assay reparse                           every stored run under runs/
  assay reparse --dry-run --since 30d     which figures of the last month would change
  assay reparse --only-cells 'balanced-*'
  assay reparse --json | jq '.runs[] | select(.changes != [])'
`;

type Outcome = { readonly run: string; readonly key: string | null } & (
  | { readonly state: 'read'; readonly status: Status; readonly changes: readonly FigureChange[] }
  /** It never came so far that there was something to read. */
  | { readonly state: 'nothing_to_parse'; readonly status: Status; readonly error: AssayError }
  | { readonly state: 'refused'; readonly error: AssayError }
);

/** Reads a run again; null for one that was not asked for. */
function readerOf(options: Options): (run: string) => Promise<Outcome | null> {
  const since = options.one('since');
  const sinceMs = since === null ? null : parseSince(since, new Date()).getTime();
  const { onlyCells: patterns } = typedOptions(options);
  const isNamed = patterns.length === 0 ? () => true : isNamedBy(patterns);
  const isAsked = (manifest: Manifest): boolean =>
    isNamed({ key: keyOf(manifest), cellId: manifest.cell_id }) &&
    (sinceMs === null || Date.parse(manifest.timestamp_start) >= sinceMs);
  return async (run) => {
    let found: Manifest | null = null;
    try {
      found = readManifest(run);
      if (!isAsked(found)) return null;
      const { manifest, changes } = await reparseRun(run, { frameworks, isDryRun: options.has('dry-run') });
      return { state: 'read', run, key: keyOf(found), status: manifest.status, changes };
    } catch (error) {
      if (!(error instanceof AssayError)) throw error;
      const key = found === null ? null : keyOf(found);
      if (found === null || error.code !== 'NOTHING_TO_PARSE') return { state: 'refused', run, key, error };
      return { state: 'nothing_to_parse', run, key, status: found.status, error };
    }
  };
}

function keyOf({ test_id: testId, cell_id: cellId }: Manifest): string {
  return `${testId}/${cellId}`;
}

/** Refused runs first: what else was said is then not all there is to say. */
function exitOf(outcomes: readonly Outcome[]): number {
  if (outcomes.some(({ state }) => state === 'refused')) return EXIT.usage;
  const statuses = outcomes.flatMap((outcome) => (outcome.state === 'read' ? [outcome.status] : []));
  if (statuses.length === 0) return EXIT.noVerdict;
  return statuses.every(isGood) ? EXIT.ok : EXIT.failed;
}

/** What of the runs was asked for, and whether Ctrl-C left some of them out. */
interface Scope {
  readonly isDryRun: boolean;
  readonly isStopped: boolean;
}

function documentOf(outcomes: readonly Outcome[], { isDryRun, isStopped }: Scope): unknown {
  const runs = outcomes.map((outcome) => ({
    ...runDocument(outcome.run),
    ...(outcome.key === null ? {} : cellDocument(outcome.key)),
    state: outcome.state,
    status: outcome.state === 'refused' ? null : outcome.status,
    changes: outcome.state === 'read' ? outcome.changes : [],
    problem: outcome.state === 'read' ? null : problemDocument(outcome.error),
  }));
  return { runs, totals: totalsOf(outcomes), dry_run: isDryRun, stopped: isStopped };
}

/** How many runs became what. */
interface Totals {
  readonly read: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly refused: number;
  readonly nothing_to_parse: number;
}

function totalsOf(outcomes: readonly Outcome[]): Totals {
  const count = (state: Outcome['state']): number => outcomes.filter((outcome) => outcome.state === state).length;
  const [read, changed] = [count('read'), outcomes.filter(hasChanged).length];
  const [refused, nothing] = [count('refused'), count('nothing_to_parse')];
  return { read, changed, unchanged: read - changed, refused, nothing_to_parse: nothing };
}

function hasChanged(outcome: Outcome): outcome is Extract<Outcome, { readonly state: 'read' }> {
  return outcome.state === 'read' && outcome.changes.length > 0;
}

function describe(outcomes: readonly Outcome[], { isDryRun, isStopped }: Scope): string {
  const refused = outcomes.flatMap((outcome) => (outcome.state === 'refused' ? [outcome.error] : []));
  const totals = totalsOf(outcomes);
  const some = (count: number, what: string): readonly string[] => (count === 0 ? [] : [`${count} ${what}`]);
  const parts = [
    `${counted(totals.read, 'run')} read again`,
    ...some(totals.changed, isDryRun ? 'would change' : 'changed'),
    ...some(totals.unchanged, 'unchanged'),
    ...some(totals.refused, 'could not be read'),
    ...some(totals.nothing_to_parse, `never came to results (${statusesOf(outcomes)})`),
  ];
  return `${[
    ...shortened(outcomes.filter(hasChanged), changeLines),
    ...shortened(refused, problemLines, { noun: 'problem' }),
    parts.join(', '),
    ...(outcomes.length === 0 ? ['No stored run is of these cells and of that time.'] : []),
    ...(isStopped ? ['Stopped between two runs: the rest is as it was.'] : []),
    ...(isDryRun && totals.changed > 0 ? ['Nothing was written: leave out --dry-run to keep these figures.'] : []),
  ].join('\n')}\n`;
}

function statusesOf(outcomes: readonly Outcome[]): string {
  const statuses = outcomes.flatMap((outcome) => (outcome.state === 'nothing_to_parse' ? [outcome.status] : []));
  return [...groupBy(statuses, (status) => status)]
    .map(([status, { length }]) => (length === statuses.length ? status : `${length} ${status}`))
    .join(', ');
}

function changeLines({ run, status, changes }: Extract<Outcome, { readonly state: 'read' }>): readonly string[] {
  return [` ${isGood(status) ? '✓' : '✗'} ${onScreen(run)}`, `   ${changes.map(describeChange).join(', ')}`];
}

function describeChange({ figure, before, after }: FigureChange): string {
  const [was, is] = [shortOf(before), shortOf(after)];
  // Digits that are cut off are shown where only they differ.
  const isHidden = was === is && before !== after;
  return isHidden ? `${figure} ${String(before)} -> ${String(after)}` : `${figure} ${was} -> ${is}`;
}

function shortOf(value: FigureChange['before']): string {
  return typeof value === 'number' && !Number.isInteger(value) ? formatNumber(value, 6) : String(value ?? 'none');
}
