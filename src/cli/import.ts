import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { defineCommand } from 'citty';
import type { ArgsDef } from 'citty';
import { RESULT_FORMATS } from '../adapters/shared/results/result-run.ts';
import type { ResultFormat } from '../adapters/shared/results/result-run.ts';
import type { Scalar } from '../config/schema/framework.ts';
import { AssayError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { prepareArtifacts } from '../evidence/run-folder.ts';
import { importResults } from '../session/import/import-results.ts';
import type { ImportedFile, ImportOptions } from '../session/import/import-results.ts';
import { planSession } from '../session/plan.ts';
import type { PlannedCell } from '../session/plan.ts';
import { frameworks } from '../session/registry.ts';
import { readOptions } from './arguments.ts';
import type { Options } from './arguments.ts';
import { artifactsOf, BY_DEFAULT } from './artifacts.ts';
import { EXIT } from './exit.ts';
import { INTERRUPTED, inTurn } from './progress.ts';
import { counted, onScreen, problemLines, runDocument, shortened } from './stored-runs.ts';

const importOptions = {
  // citty shows it; there may be many.
  files: { type: 'positional', required: false, description: 'result files, as many as you like' },
  format: { type: 'string', valueHint: 'name', description: `what the files are: ${RESULT_FORMATS.join(', ')}` },
  config: {
    type: 'string',
    valueHint: 'file',
    description: 'the config whose cell the runs are of, and are judged by',
  },
  cell: { type: 'string', valueHint: 'cell_id', description: 'which cell of the config, where it has several' },
  'test-id': {
    type: 'string',
    valueHint: 'id',
    description: 'test_id of the runs, instead of imported_<framework>_<model>',
  },
  framework: { type: 'string', valueHint: 'name', description: 'what served, where the file does not say it' },
  model: { type: 'string', valueHint: 'id', description: 'the model, where the file does not say it' },
  gpu: { type: 'string', valueHint: 'name', description: 'the GPU, where the file does not say it' },
  knob: { type: 'string', valueHint: 'name=value', description: 'a knob of the run (repeatable)' },
  axis: { type: 'string', valueHint: 'name=value', description: 'an axis of the run: isl=1024 (repeatable)' },
  artifacts: { type: 'string', valueHint: 'folder', description: `artifact directory ${BY_DEFAULT}` },
  again: { type: 'boolean', description: 'import a file once more that was imported before' },
  json: { type: 'boolean', description: 'print one JSON document' },
} as const satisfies ArgsDef;

const NAMES = ['test-id', 'framework', 'model', 'gpu', 'knob', 'axis'] as const;

/** `assay import <files...>`: result files of other tools become run directories. */
export const importFiles = defineCommand({
  meta: {
    name: 'import',
    description: 'Make run directories from result files of vLLM, SGLang, InferenceX and AIPerf.',
  },
  args: importOptions,
  async run({ rawArgs }) {
    const { files, rest } = filesIn(rawArgs);
    const options = readOptions(rest, importOptions);
    if (files.length === 0) {
      throw new AssayError('USAGE', 'no file to import', { hint: 'write for example assay import results/*.json' });
    }
    const named = options.one('artifacts');
    // A folder that is named is made where there is none.
    const artifacts = named === null ? (await artifactsOf(options, 'artifacts')).folder : resolve(named);
    const settings = settingsOf(options, artifacts);
    prepareArtifacts(settings.artifacts);
    const { result: outcomes, isStopped } = await inTurn('importing files', files, (file) => importOne(file, settings));
    if (options.has('json')) {
      const document = { files: outcomes.map(toJson), stopped: isStopped };
      process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
    } else {
      const total = files.length > 1 ? [totalOf(outcomes)] : [];
      const rest = isStopped
        ? [`Stopped between two files: ${files.length - outcomes.length} were not looked at.`]
        : [];
      process.stdout.write([...outcomes.flatMap(linesOf), ...total, ...rest, ''].join('\n'));
    }
    process.exitCode = isStopped ? INTERRUPTED : exitCodeOf(outcomes);
  },
});

/** What `assay import --help` shows below the options. */
export const importExamples = `  assay import results/*.json                       one run directory for each run in the files, under runs/
  assay import bench.json --config configs/my.yaml --cell balanced-conc16
                                                    as a run of that cell, judged by its thresholds
  assay import out.jsonl --model llama-3.3-70b --gpu h200 --knob quant=fp8 --axis isl=1024
                                                    what the file itself does not say
  assay import profile_export.jsonl --json | jq -r '.files[].runs[].run'
`;

/** The files among the arguments: there may be many, which other commands do not have. */
function filesIn(rawArgs: readonly string[]): { readonly files: readonly string[]; readonly rest: readonly string[] } {
  const options = Object.fromEntries(
    Object.entries(importOptions).flatMap(([name, { type }]) => (type === 'positional' ? [] : [[name, { type }]])),
  );
  const { tokens } = parseArgs({ args: [...rawArgs], options, strict: false, allowPositionals: true, tokens: true });
  const places = new Set(tokens.flatMap(({ kind, index }) => (kind === 'positional' ? [index] : [])));
  return {
    files: rawArgs.filter((_, index) => places.has(index)),
    rest: rawArgs.filter((_, index) => !places.has(index)),
  };
}

function settingsOf(options: Options, artifacts: string): ImportOptions {
  const config = options.one('config');
  const shared = { artifacts, format: formatIn(options), isAgain: options.has('again') };
  if (config === null) {
    if (options.has('cell')) {
      throw new AssayError('USAGE', `--cell ${options.one('cell') ?? ''} is a cell of no config`, {
        hint: 'name its config with --config',
      });
    }
    return { ...shared, as: { names: namesIn(options) } };
  }
  const name = NAMES.find((one) => options.has(one));
  if (name !== undefined) {
    throw new AssayError('USAGE', `--${name} says what --config says too`, { hint: `leave --${name} or --config out` });
  }
  return { ...shared, as: { cell: cellOf(config, options.one('cell'), artifacts) } };
}

function formatIn(options: Options): ResultFormat | null {
  const typed = options.one('format');
  const format = RESULT_FORMATS.find((known) => known === typed);
  if (typed === null || format !== undefined) return format ?? null;
  const meant = nearest(typed, RESULT_FORMATS);
  throw new AssayError('USAGE', `--format ${typed}: there is no such format`, {
    hint: meant === null ? `there are ${RESULT_FORMATS.join(', ')}` : `did you mean ${meant}?`,
  });
}

function namesIn(options: Options): Extract<ImportOptions['as'], { names: unknown }>['names'] {
  return {
    testId: options.one('test-id'),
    framework: options.one('framework'),
    model: options.one('model'),
    gpu: options.one('gpu'),
    knobs: assignmentsIn(options, 'knob'),
    axes: assignmentsIn(options, 'axis'),
  };
}

function assignmentsIn(options: Options, name: 'knob' | 'axis'): Readonly<Record<string, Scalar>> {
  return Object.fromEntries(
    options.all(name).map((typed) => {
      const [, key = '', value = ''] = /^([A-Za-z]\w*)=(.+)$/.exec(typed) ?? [];
      if (key !== '') return [key, scalarOf(value)];
      const example = name === 'knob' ? 'quant=fp8' : 'concurrency=16';
      throw new AssayError('USAGE', `--${name} ${typed}: this is not name=value`, {
        hint: `write for example --${name} ${example}`,
      });
    }),
  );
}

function scalarOf(text: string): Scalar {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text;
}

function cellOf(config: string, cell: string | null, artifacts: string): PlannedCell {
  const onlyCells = cell === null ? [] : [cell];
  const configs = { configs: [config], configsFrom: '--config' };
  const session = { root: process.cwd(), ...configs, cluster: null, artifacts, overrides: [], onlyCells };
  const { cells } = planSession(session, frameworks);
  const [first, ...others] = cells;
  if (first !== undefined && others.length === 0) return first;
  const ids = cells.map((planned) => planned.cell.cellId);
  throw new AssayError('USAGE', `${config} has ${ids.length} cells${cell === null ? '' : ` like ${cell}`}`, {
    hint: `name one with --cell: ${ids.slice(0, 6).join(', ')}${ids.length > 6 ? ', ...' : ''}`,
  });
}

/** What became of one file. */
type Outcome =
  | { readonly state: 'imported'; readonly imported: ImportedFile }
  | { readonly state: 'refused'; readonly file: string; readonly error: AssayError };

async function importOne(file: string, settings: ImportOptions): Promise<Outcome> {
  try {
    return { state: 'imported', imported: await importResults(file, settings) };
  } catch (error) {
    // One bad file says nothing about the others.
    if (!(error instanceof AssayError)) throw error;
    return { state: 'refused', file, error };
  }
}

function linesOf(outcome: Outcome): readonly string[] {
  if (outcome.state === 'refused') return problemLines(outcome.error);
  const { file, format, runs, present } = outcome.imported;
  const dropped = new Set(runs.flatMap(({ manifest }) => manifest.imported?.dropped ?? []));
  // The sentences of a manifest name the file; here it is named above.
  const notes = [...dropped].map((sentence) =>
    sentence.startsWith(`${file}: `) ? sentence.slice(file.length + 2) : sentence,
  );
  const known = present.map(({ where, folder }) => `${where} was imported before: ${onScreen(folder)}`);
  return [
    ` ${runs.length > 0 ? '✓' : '○'} ${file}  ${format}, ${counted(runs.length, 'run')}`,
    ...shortened(runs, runLines, { indent: '   ' }),
    ...[...notes, ...silencesOf(runs)].map((sentence) => `   · ${sentence}`),
    ...shortened(known, (line) => [`   · ${line}`], { indent: '   ' }),
    ...(runs.length > 0 ? [] : ['   next: use what is there, or import the file once more with --again']),
  ];
}

function runLines({ folder, manifest }: ImportedFile['runs'][number]): readonly string[] {
  return [
    `   ${onScreen(folder)}  ${manifest.status}${rowsOf(manifest)}`,
    ...manifest.verdicts.filter(({ passed }) => !passed).map(({ detail }) => `   ✗ ${detail}`),
  ];
}

/** What a file does not say and a user can. */
function silencesOf(runs: ImportedFile['runs']): readonly string[] {
  const unknown = {
    framework: runs.filter(({ manifest }) => manifest.framework === 'unknown').length,
    model: runs.filter(({ manifest }) => manifest.model_descriptor['id'] === 'unknown').length,
  };
  return Object.entries(unknown).flatMap(([name, count]) =>
    count === 0 ? [] : [`the file does not say the ${name} of ${counted(count, 'run')}: --${name} does`],
  );
}

function rowsOf({ sidecars, samples_path: path, result }: ImportedFile['runs'][number]['manifest']): string {
  const rows = path === null ? null : (sidecars[path]?.rows ?? null);
  const failed = result.scalars['failed'] ?? 0;
  const failures = failed === 0 ? '' : `, ${failed} failed`;
  return rows === null ? `, summary only${failures}` : `, ${counted(rows, 'request')}${failures}`;
}

function totalOf(outcomes: readonly Outcome[]): string {
  const imported = outcomes.flatMap((outcome) => (outcome.state === 'imported' ? [outcome.imported] : []));
  const runs = imported.reduce((sum, file) => sum + file.runs.length, 0);
  return `${counted(runs, 'run')} from ${counted(imported.length, 'file')}, ${outcomes.length - imported.length} refused`;
}

function toJson(outcome: Outcome): unknown {
  if (outcome.state === 'refused') {
    const { message, hint, code } = outcome.error;
    return { file: outcome.file, format: null, runs: [], present: [], error: { code, message, hint: hint ?? null } };
  }
  const { file, format, runs, present } = outcome.imported;
  const reported = runs.map(({ folder, where, manifest }) => ({
    ...runDocument(folder),
    where,
    test_id: manifest.test_id,
    cell_id: manifest.cell_id,
    status: manifest.status,
    rows: manifest.samples_path === null ? null : (manifest.sidecars[manifest.samples_path]?.rows ?? null),
    dropped: manifest.imported?.dropped ?? [],
  }));
  const known = present.map(({ where, folder }) => ({ ...runDocument(folder), where }));
  return { file, format, runs: reported, present: known, error: null };
}

function exitCodeOf(outcomes: readonly Outcome[]): number {
  if (outcomes.some(({ state }) => state === 'refused')) return EXIT.usage;
  const runs = outcomes.flatMap((outcome) => (outcome.state === 'imported' ? outcome.imported.runs : []));
  return runs.some(({ manifest }) => manifest.status === 'failed_verification') ? EXIT.failed : EXIT.ok;
}
