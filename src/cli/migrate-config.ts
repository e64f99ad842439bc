import { relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { defineCommand } from 'citty';
import type { ArgsDef } from 'citty';
import { AssayError } from '../core/errors.ts';
import { inputsOf } from '../session/migrate/inputs.ts';
import { migrateFile, renderFiles } from '../session/migrate/migrate.ts';
import type { MigratedFile, MigrateOptions } from '../session/migrate/migrate.ts';
import { totalsOf } from '../session/migrate/totals.ts';
import { outputsOf, refuseExisting, refuseFiles, REPORT, withChecks, writeOutput } from '../session/migrate/write.ts';
import { frameworks } from '../session/registry.ts';
import { readOptions } from './arguments.ts';
import type { Options } from './arguments.ts';
import { EXIT } from './exit.ts';
import { INTERRUPTED, inTurn } from './progress.ts';
import { modeline } from './schema.ts';
import { counted, onScreen, shortened } from './stored-runs.ts';

const migrateOptions = {
  // citty shows it; there may be many.
  files: { type: 'positional', required: false, description: 'legacy configs, or folders of them' },
  output: { type: 'string', alias: 'o', default: 'migrated', valueHint: 'folder', description: 'where configs go' },
  'gpus-per-node': {
    type: 'string',
    valueHint: 'count',
    description: 'GPUs of every node, where the legacy file does not say it',
  },
  'user-id': { type: 'string', valueHint: 'name', description: 'what {user-id} stands for in paths' },
  force: { type: 'boolean', description: 'write over what is there' },
  'dry-run': { type: 'boolean', description: 'write nothing, and say what would be' },
  json: { type: 'boolean', description: 'print one JSON document' },
} as const satisfies ArgsDef;

/** `assay migrate-config <file|folder>...`: configs of ours from the JSON files of the legacy suites. */
export const migrateConfig = defineCommand({
  meta: {
    name: 'migrate-config',
    description: 'Make YAML configs from legacy JSON configs, and a report of everything they leave out.',
  },
  args: migrateOptions,
  async run({ rawArgs }) {
    const { named, rest } = namedIn(rawArgs);
    const options = readOptions(rest, migrateOptions);
    if (named.length === 0) {
      throw new AssayError('USAGE', 'no file to migrate', {
        hint: 'write for example assay migrate-config legacy/ -o configs',
      });
    }
    const folder = resolve(options.one('output') ?? 'migrated');
    const shared = sharedOf(options, folder);
    const inputs = inputsOf(named);
    const read = await inTurn('migrating files', inputs, async (input) => migrateFile(input, shared));
    const files = renderFiles(read.result);
    if (!read.isStopped) refuseOthers(files, named);
    // A part of a folder is no migration: nothing is written of it.
    const migration = read.isStopped
      ? { files, isStopped: true }
      : await finish(withChecks(files, shared), { folder, options });
    const document = { ...migration, folder, isDry: options.has('dry-run') };
    process.stdout.write(options.has('json') ? `${JSON.stringify(asJson(document), null, 2)}\n` : describe(document));
    process.exitCode = migration.isStopped ? INTERRUPTED : exitCodeOf(migration.files);
  },
});

/** What `assay migrate-config --help` shows below the options. */
export const migrateConfigExamples = `  assay migrate-config legacy/ -o configs               every legacy config below legacy/, and configs/${REPORT}
  assay migrate-config legacy/ -o configs --gpus-per-node 8 --user-id jane
                                                        with what legacy files leave open
  assay migrate-config old.json --dry-run               what would become of one file
  assay migrate-config legacy/ --dry-run --json | jq -r '.files[].thresholds[] | select(.outcome == "reported").path'
`;

/** The files and folders among the arguments: there may be many, which other commands do not have. */
function namedIn(rawArgs: readonly string[]): { readonly named: readonly string[]; readonly rest: readonly string[] } {
  const options = Object.fromEntries(
    Object.entries(migrateOptions).flatMap(([name, option]) => {
      if (option.type === 'positional') return [];
      return [[name, { type: option.type, ...('alias' in option ? { short: option.alias } : {}) }]];
    }),
  );
  const { tokens } = parseArgs({ args: [...rawArgs], options, strict: false, allowPositionals: true, tokens: true });
  const places = new Set(tokens.flatMap(({ kind, index }) => (kind === 'positional' ? [index] : [])));
  return {
    named: rawArgs.filter((_, index) => places.has(index)),
    rest: rawArgs.filter((_, index) => !places.has(index)),
  };
}

function sharedOf(options: Options, folder: string): MigrateOptions {
  return {
    specs: frameworks.map(({ spec }) => spec),
    known: { userId: options.one('user-id'), gpusPerNode: gpusIn(options.one('gpus-per-node')) },
    modelIds: new Map(),
    modeline: (file, kind) => modeline(kind, relative(process.cwd(), resolve(folder, file))),
  };
}

function gpusIn(text: string | null): number | null {
  if (text === null || /^[1-9]\d{0,3}$/.test(text)) return text === null ? null : Number(text);
  throw new AssayError('USAGE', `--gpus-per-node ${text} is no count`, {
    hint: 'write a whole number from 1 on, such as --gpus-per-node 8',
  });
}

/** Whether there is anything to write: files that cannot be read come to nothing. */
function hasLegacy(files: readonly MigratedFile[]): boolean {
  return totalsOf(files).legacyConfigs > 0;
}

/** @throws AssayError USAGE where nobody named a legacy config, not even one that cannot be read */
function refuseOthers(files: readonly MigratedFile[], named: readonly string[]): void {
  if (hasLegacy(files) || files.some(({ state }) => state === 'refused')) return;
  const thresholds = files.filter(({ state }) => state === 'thresholds').length;
  const others = [
    { count: thresholds, noun: 'thresholds file' },
    { count: files.length - thresholds, noun: 'other file' },
  ].flatMap(({ count, noun }) => (count === 0 ? [] : [counted(count, noun)]));
  const found = others.length === 0 ? 'no JSON file' : `only ${others.join(' and ')}`;
  throw new AssayError('USAGE', `no legacy config in ${named.join(', ')}: ${found}`, {
    hint: 'name a legacy config, or a folder of them: docs/migrating.md has the keys that each has',
  });
}

interface Migration {
  readonly files: readonly MigratedFile[];
  readonly isStopped: boolean;
}

async function finish(
  files: readonly MigratedFile[],
  { folder, options }: { readonly folder: string; readonly options: Options },
): Promise<Migration> {
  const outputs = hasLegacy(files) ? outputsOf(files, folder) : [];
  refuseFiles(outputs, folder);
  if (options.has('dry-run')) return { files, isStopped: false };
  if (!options.has('force')) refuseExisting(outputs, folder);
  const written = await inTurn('writing files', outputs, async (output) => writeOutput(output, folder));
  return { files, isStopped: written.isStopped };
}

interface Report extends Migration {
  readonly folder: string;
  readonly isDry: boolean;
}

const FILL_INS_SHOWN = 10;

function describe({ files, isStopped, folder, isDry }: Report): string {
  const legacy = files.filter(({ state }) => state !== 'thresholds');
  const open = files.flatMap(({ notes }) => notes.filter(({ kind }) => kind === 'fill_in'));
  return `${[
    ...legacy.flatMap(linesOf),
    ...(open.length === 0 ? [] : ['', `${counted(open.length, 'place')} to fill in first:`]),
    ...shortened(open, ({ output, value }) => [` ${output} = ${String(value)}`], {
      most: FILL_INS_SHOWN,
      noun: 'place',
    }),
    ...(open.length === 0 ? [] : ['']),
    ...totalLines(files),
    endOf({ files, isStopped, folder, isDry }),
  ].join('\n')}\n`;
}

function linesOf({ file, state, family, configs, cells, figures, notes, why, todo }: MigratedFile): readonly string[] {
  if (state === 'other') return [` ○ ${file}  no legacy config: left alone`];
  const next = todo === '' ? [] : [`   next: ${todo}`];
  if (state === 'refused') return [` ✗ ${why}`, ...next];
  const lost = figures.filter(({ outcome }) => outcome !== 'carried').length;
  if (state === 'not_migratable') return [` ○ ${file}  family ${family}, not migratable: ${why}`, ...next];
  const carried = cells.filter(({ key }) => key !== null).length;
  const refused = notes.filter(({ kind }) => kind === 'refused');
  const framework = configs[0]?.framework ?? '';
  return [
    ` ${refused.length === 0 ? '✓' : '✗'} ${file}  family ${family}, ${framework}: ${counted(configs.length, 'config')}, ` +
      `${counted(carried, 'cell')}, ${figures.length - lost} of ${counted(figures.length, 'threshold')} carried`,
    ...refused.map((note) => `   ✗ ${note.output}: ${note.why} - ${note.todo}`),
  ];
}

function totalLines(files: readonly MigratedFile[]): readonly string[] {
  const { configs, legacyConfigs, notMigratable, cells, thresholds, refused } = totalsOf(files);
  return [
    `${counted(configs, 'config')} from ${counted(legacyConfigs - notMigratable, 'legacy config')}, ` +
      `${notMigratable} not migratable, ${refused} unreadable; ${counted(cells.carried, 'cell')} carried, ${cells.reported} reported`,
    `thresholds: ${thresholds.carried} carried, ${thresholds.dropped} dropped (could not fail), ${thresholds.reported} reported`,
  ];
}

function endOf({ files, isStopped, folder, isDry }: Report): string {
  if (isStopped) return 'Stopped: some files were not looked at or not written; those that were are whole.';
  if (isDry) return 'Nothing was written: this was a dry run.';
  if (!hasLegacy(files)) return 'Nothing was written: no legacy config could be read.';
  if (totalsOf(files).configs === 0) return `No config was written. next: read ${onScreen(folder)}/${REPORT}`;
  return `next: read ${onScreen(folder)}/${REPORT}, fill in, then assay plan --configs '${onScreen(folder)}/**/*.yaml'`;
}

function asJson({ files, isStopped, folder, isDry }: Report): unknown {
  return {
    files: files.map(({ configs, figures, thresholdsFile, cells, ...file }) => ({
      ...file,
      thresholds_file: thresholdsFile,
      configs: configs.map((config) => ({
        file: config.file,
        thresholds_file: config.thresholds?.file ?? null,
        test_id: config.testId,
        framework: config.framework,
        cells: config.cells.map(({ key }) => key),
      })),
      cells,
      thresholds: figures,
    })),
    totals: totalsOf(files),
    folder,
    report: isDry || !hasLegacy(files) ? null : resolve(folder, REPORT),
    dry_run: isDry,
    stopped: isStopped,
  };
}

// What nothing of ours runs is an answer, not a failure.
function exitCodeOf(files: readonly MigratedFile[]): number {
  const isBroken = files.some(
    ({ state, notes }) => state === 'refused' || notes.some(({ kind }) => kind === 'refused'),
  );
  return isBroken ? EXIT.usage : EXIT.ok;
}
