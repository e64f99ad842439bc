import { relative, resolve } from 'node:path';
import { defineCommand } from 'citty';
import type { ArgsDef } from 'citty';
import { isNamedBy } from '../config/only-cells.ts';
import { AssayError } from '../core/errors.ts';
import { formatNumber } from '../core/units.ts';
import type { Status } from '../evidence/failure.ts';
import { findRuns } from '../evidence/store/find-runs.ts';
import { readManifest } from '../evidence/run-reader.ts';
import { frameworks } from '../session/registry.ts';
import { reparse as reparseRun } from '../session/reparse.ts';
import type { FigureChange } from '../session/reparse-changes.ts';
import { readOptions } from './arguments.ts';
import type { Options } from './arguments.ts';
import { EXIT } from './exit.ts';
import { withProgress } from './progress.ts';
import { typedOptions } from './session-options.ts';
import { parseSince } from './since.ts';

const reparseOptions = {
  folder: { type: 'positional', default: 'runs', description: 'artifact directory, or a folder inside one' },
  'only-cells': { type: 'string', valueHint: 'pattern', description: 'only runs of these cells, by id or config/id' },
  since: { type: 'string', valueHint: 'age', description: 'only runs that began since then: `30d`, `12h`' },
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
    const outcomes = await withProgress('reading stored runs again ...', () => outcomesOf(options));
    const isDryRun = options.has('dry-run');
    if (options.has('json')) process.stdout.write(`${JSON.stringify(documentOf(outcomes, isDryRun), null, 2)}\n`);
    else process.stdout.write(describe(outcomes, isDryRun));
    process.exitCode = exitOf(outcomes);
  },
});

/** What `assay reparse --help` shows below the options. */
export const reparseExamples = `  assay reparse                           every stored run under runs/
  assay reparse --dry-run --since 30d     which figures of the last month would change
  assay reparse --only-cells 'balanced-*'
  assay reparse --json | jq '.runs[] | select(.changes != [])'
`;

type Outcome =
  | { readonly state: 'read'; readonly run: string; readonly status: Status; readonly changes: readonly FigureChange[] }
  /** It never came so far that there was something to read. */
  | { readonly state: 'nothing_to_parse'; readonly run: string; readonly error: AssayError }
  | { readonly state: 'refused'; readonly run: string; readonly error: AssayError };

async function outcomesOf(options: Options): Promise<readonly Outcome[]> {
  const since = options.one('since');
  const sinceMs = since === null ? null : parseSince(since, new Date()).getTime();
  const { onlyCells: patterns } = typedOptions(options);
  const isNamed = patterns.length === 0 ? () => true : isNamedBy(patterns);
  const outcomes: Outcome[] = [];
  for (const run of findRuns(resolve(options.one('folder') ?? 'runs'))) {
    try {
      const { test_id: testId, cell_id: cellId, timestamp_start: start } = readManifest(run);
      if (!isNamed({ key: `${testId}/${cellId}`, cellId })) continue;
      if (sinceMs !== null && Date.parse(start) < sinceMs) continue;
      const { manifest, changes } = await reparseRun(run, { frameworks, isDryRun: options.has('dry-run') });
      outcomes.push({ state: 'read', run, status: manifest.status, changes });
    } catch (error) {
      if (!(error instanceof AssayError)) throw error;
      outcomes.push({ state: error.code === 'NOTHING_TO_PARSE' ? 'nothing_to_parse' : 'refused', run, error });
    }
  }
  return outcomes;
}

/** Refused runs first: what else was said is then not all there is to say. */
function exitOf(outcomes: readonly Outcome[]): number {
  if (outcomes.some(({ state }) => state === 'refused')) return EXIT.usage;
  const statuses = outcomes.flatMap((outcome) => (outcome.state === 'read' ? [outcome.status] : []));
  if (statuses.length === 0) return EXIT.noVerdict;
  return statuses.every((status) => status === 'passed' || status === 'recorded') ? EXIT.ok : EXIT.failed;
}

function documentOf(outcomes: readonly Outcome[], isDryRun: boolean): unknown {
  const runs = outcomes.map((outcome) => {
    if (outcome.state === 'read') return { ...outcome, problem: null };
    const { state, run, error } = outcome;
    return { state, run, status: null, changes: [], problem: { message: error.message, hint: error.hint ?? null } };
  });
  return { dry_run: isDryRun, runs };
}

function describe(outcomes: readonly Outcome[], isDryRun: boolean): string {
  const count = (state: Outcome['state']): number => outcomes.filter((outcome) => outcome.state === state).length;
  const changed = outcomes.filter((outcome) => outcome.state === 'read' && outcome.changes.length > 0).length;
  const total = [
    `${changed} ${isDryRun ? 'would change' : 'changed'}`,
    `${count('read') - changed} unchanged`,
    `${count('refused')} refused`,
    `${count('nothing_to_parse')} with nothing to parse`,
  ];
  const runs = `${outcomes.length} ${outcomes.length === 1 ? 'run' : 'runs'}`;
  return `${[...outcomes.flatMap(linesOf), `${runs}: ${total.join(', ')}`].join('\n')}\n`;
}

function linesOf(outcome: Outcome): readonly string[] {
  if (outcome.state === 'read') {
    if (outcome.changes.length === 0) return [];
    const sign = outcome.status === 'passed' || outcome.status === 'recorded' ? '✓' : '✗';
    return [` ${sign} ${relative(process.cwd(), outcome.run)}`, `   ${outcome.changes.map(describeChange).join(', ')}`];
  }
  const { message, hint } = outcome.error;
  if (outcome.state === 'nothing_to_parse') return [` ○ ${message}`];
  return [` ✗ ${message}`, ...(hint === undefined ? [] : [`   next: ${hint}`])];
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
