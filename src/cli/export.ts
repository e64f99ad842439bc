import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { defineCommand } from 'citty';
import type { ArgsDef } from 'citty';
import { AssayError } from '../core/errors.ts';
import { formatDuration } from '../core/units.ts';
import { exportFacts } from '../evidence/export/export.ts';
import type { Exported, ExportOptions } from '../evidence/export/export.ts';
import { readOptions } from './arguments.ts';
import type { Options } from './arguments.ts';
import { artifactsOf, BY_DEFAULT } from './artifacts.ts';
import { EXIT } from './exit.ts';
import { withProgress } from './progress.ts';
import { parseSince } from './since.ts';
import { counted, onScreen, runDocument, shortened, sinceOption, unreadableLine } from './stored-runs.ts';

const exportArguments = {
  folder: { type: 'positional', required: false, description: `artifact directory ${BY_DEFAULT}` },
  output: {
    type: 'string',
    alias: 'o',
    valueHint: 'file',
    description: 'the Parquet file to write; with --partition-by, the folder of one file for each',
  },
  since: sinceOption,
  full: { type: 'boolean', description: 'make all rows anew, instead of adding what is new and changed' },
  'partition-by': {
    type: 'string',
    valueHint: 'experiment_id',
    description: 'one file for each experiment, below a folder',
  },
  json: { type: 'boolean', description: 'print one JSON document' },
} as const satisfies ArgsDef;

/** `assay export [folder] -o fact.parquet`: one row per stored run, for pandas, Polars and DuckDB. */
export const exportCommand = defineCommand({
  meta: {
    name: 'export',
    description: 'Write one row per stored run to a Parquet file: identity, axes, knobs, figures, verdicts.',
  },
  args: exportArguments,
  async run({ rawArgs }) {
    const options = readOptions(rawArgs, exportArguments);
    const artifacts = await artifactsOf(options);
    const request = requestOf(options, artifacts.folder);
    const startedMs = performance.now();
    const exported = await withProgress('reading stored runs', () => exportFacts(request));
    const tookMs = performance.now() - startedMs;
    process.exitCode = exported.rows === 0 ? EXIT.noVerdict : EXIT.ok;
    if (options.has('json')) {
      const { output, since } = request;
      const unreadable = exported.unreadable.map(({ folder, reason }) => ({ ...runDocument(folder), reason }));
      const document = { output, since, ...exported, unreadable, took_s: Number((tookMs / 1000).toFixed(3)) };
      process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
    } else process.stdout.write(describe({ ...request, advice: artifacts.advice }, exported, tookMs));
  },
});

/** What `assay export --help` shows below the options. */
export const exportExamples = `  assay export -o fact.parquet                     every run under runs/; the next time only what is new
  assay export --since 30d -o month.parquet        those of the last 30 days
  assay export --partition-by experiment_id -o facts/    one file for each experiment
  assay export -o fact.parquet --full              without the runs that were deleted
`;

function requestOf(options: Options, artifacts: string): ExportOptions {
  const partition = options.one('partition-by');
  if (partition !== null && partition !== 'experiment_id') {
    throw new AssayError('USAGE', `--partition-by ${partition}: runs are not kept apart by that`, {
      hint: 'write --partition-by experiment_id, or leave it out',
    });
  }
  const since = options.one('since');
  return {
    artifacts,
    output: outputOf(options, partition !== null),
    isPartitioned: partition !== null,
    isFull: options.has('full'),
    since: since === null ? null : parseSince(since, new Date()),
  };
}

function outputOf(options: Options, isPartitioned: boolean): string {
  const typed = options.one('output');
  if (typed === null) {
    throw new AssayError('USAGE', 'nothing says where to write to', {
      hint: 'name a file: assay export -o fact.parquet',
    });
  }
  const output = resolve(typed);
  if (!isPartitioned && (isFolder(output) || /[\\/]$/.test(typed))) {
    throw new AssayError('USAGE', `${typed} is a folder`, {
      hint: `write -o ${typed.replace(/[\\/]+$/, '')}/fact.parquet, or add --partition-by experiment_id`,
    });
  }
  if (isPartitioned && existsSync(output) && !isFolder(output)) {
    throw new AssayError('USAGE', `${typed} is a file`, { hint: 'with --partition-by, -o names a folder' });
  }
  return output;
}

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}

interface Described extends ExportOptions {
  readonly advice: string | null;
}

function describe(request: Described, exported: Exported, tookMs: number): string {
  const problems = shortened(exported.unreadable, (one) => [unreadableLine('left out', one)], { noun: 'problem' });
  return `${[...problems, summaryOf(request, exported, tookMs)].join('\n')}\n`;
}

function summaryOf({ artifacts, output, since, advice }: Described, exported: Exported, tookMs: number): string {
  const { rows, added, changed, columns, files } = exported;
  const took = `(${formatDuration(tookMs)})`;
  if (rows === 0) {
    if (since !== null) return `nothing to export: no run in ${onScreen(artifacts)} began since ${since.toISOString()}`;
    return `nothing to export: no run in ${onScreen(artifacts)} has ended${advice === null ? '' : ` - ${advice}`}`;
  }
  const total = `${onScreen(output)}: ${counted(rows, 'run')}, ${added} new, ${changed} changed`;
  if (files.length === 0) return `${total}; it was up to date ${took}`;
  const written = files.length > 1 ? `, ${files.length} files written` : '';
  return `${total}, ${counted(columns, 'column')}${written} ${took}`;
}
