import type { FrameworkSpec } from '../../config/schema/framework.ts';
import { AssayError } from '../../core/errors.ts';
import { nameOf } from './draft.ts';
import type { Draft } from './draft.ts';
import { recognize } from './family.ts';
import type { Family } from './family.ts';
import { reportFigures } from './figures.ts';
import { findThresholds } from './find-thresholds.ts';
import { fieldsOf, isComment, readLegacy, textOf } from './legacy.ts';
import type { JsonPath, Legacy } from './legacy.ts';
import { noteLeftovers } from './migration.ts';
import type { Known, Migration } from './migration.ts';
import type { CellOutcome, Figure, Note, Reason } from './outcome.ts';
import { reasonOf } from './reasons.ts';
import { tellApart } from './tell-apart.ts';
import { render, splitByBenchmarks } from './render.ts';
import type { Naming, Rendered } from './render.ts';
import { distinct, figureCells } from './shared.ts';
import type { Made } from './shared.ts';

/** A legacy file to migrate. */
export interface Input {
  /** From the working directory. */
  readonly file: string;
  readonly absolute: string;
  /** Where its configs go, relative to the output folder, without extension. */
  readonly stem: string;
}

/** What all files of a migration share. */
export interface MigrateOptions {
  readonly specs: readonly FrameworkSpec[];
  readonly known: Known;
  readonly modeline: Naming['modeline'];
  /** Ids of models by their tag, filled file by file. */
  readonly modelIds: Map<string, string>;
}

/** What became of one legacy file. */
export interface MigratedFile {
  readonly file: string;
  /**
   * `migrated` has configs; `not_migratable` is a legacy config that no framework of ours runs; `thresholds` belongs to
   * a config; `other` is no legacy file; `refused` could not be read.
   */
  readonly state: 'migrated' | 'not_migratable' | 'thresholds' | 'other' | 'refused';
  readonly family: Family | null;
  /** Why nothing was written; empty where something was. */
  readonly why: string;
  readonly todo: string;
  readonly configs: readonly Rendered[];
  /** The thresholds file that belongs to it; null without one. */
  readonly thresholdsFile: string | null;
  readonly cells: readonly CellOutcome[];
  readonly figures: readonly Figure[];
  readonly notes: readonly Note[];
}

const NOTHING = {
  family: null,
  drafts: [],
  configs: [],
  thresholdsFile: null,
  cells: [],
  figures: [],
  notes: [],
  why: '',
  todo: '',
};

/** A config in the making, and what it will be called. */
interface NamedDraft {
  readonly draft: Draft;
  readonly naming: Naming;
}

/** A legacy file that was read, before its configs are written as text. */
export interface ReadFile extends MigratedFile {
  readonly drafts: readonly NamedDraft[];
}

/** Writes the configs of all files as text: what one is called depends on the others. */
export function renderFiles(files: readonly ReadFile[]): readonly MigratedFile[] {
  const all = files.flatMap(({ drafts }) => drafts);
  const stems = distinct(all.map(({ naming }) => naming.stem));
  const named = new Map(all.map((one, index) => [one, withStem(one, stems[index] ?? one.naming.stem)]));
  tellApart([...named.values()]);
  return files.map(({ drafts, ...file }) => {
    const configs = drafts.flatMap((one) => named.get(one) ?? []).map(({ draft, naming }) => render(draft, naming));
    const carried = configs.flatMap((config) => config.cells.map((cell) => ({ ...cell, why: '' })));
    const fillIns = configs.flatMap((config) => config.fillIns);
    return { ...file, configs, cells: [...carried, ...file.cells], notes: [...fillIns, ...file.notes] };
  });
}

function withStem({ draft, naming }: NamedDraft, stem: string): NamedDraft {
  return { draft, naming: { ...naming, stem, testId: nameOf(stem.split('/').at(-1) ?? stem) } };
}

/** Makes drafts of one legacy file; writes nothing. A file that cannot be read is an outcome, too. */
export function migrateFile(input: Input, options: MigrateOptions): ReadFile {
  try {
    const legacy = readLegacy(input.file, input.absolute);
    const recognized = recognize(legacy);
    if (recognized.kind !== 'config') return { ...NOTHING, file: input.file, state: recognized.kind };
    const migration: Migration = {
      legacy,
      thresholds: findThresholds(legacy, input.absolute),
      specs: new Map(options.specs.map((spec) => [spec.name, spec])),
      known: options.known,
      modelIds: options.modelIds,
      notes: [],
      figures: [],
      cells: [],
    };
    if (migration.thresholds !== null) legacy.take(['threshold_json']);
    const made = recognized.migrate(migration);
    return { ...finish(migration, made, { input, options }), family: recognized.family };
  } catch (error) {
    // One bad file says nothing about the others.
    if (!(error instanceof AssayError)) throw error;
    return { ...NOTHING, file: input.file, state: 'refused', why: error.message, todo: error.hint ?? '' };
  }
}

interface Finishing {
  readonly input: Input;
  readonly options: MigrateOptions;
}

function finish(migration: Migration, made: Made, { input, options }: Finishing): ReadFile {
  const { legacy, thresholds, notes, figures, cells } = migration;
  const shared = { file: legacy.file, thresholdsFile: thresholds?.file ?? null, figures, cells };
  if (made.state === 'none') {
    reportAll(migration, made);
    return { ...NOTHING, ...shared, state: 'not_migratable', why: made.why, todo: made.todo, notes: [] };
  }
  const drafts = made.drafts.flatMap(splitByBenchmarks);
  const comments = topComments(legacy);
  const named = drafts.map((draft) => {
    const end = draft.suffix === '' ? '' : `_${draft.suffix}`;
    const stem = `${input.stem}${end}`;
    return { draft, naming: { stem, testId: stem, legacyFile: legacy.file, modeline: options.modeline, comments } };
  });
  const reason = (path: string): Reason => reasonOf(path, drafts[0]?.spec.name ?? '');
  noteLeftovers(legacy, notes, reason);
  if (thresholds !== null) noteLeftovers(thresholds, notes, reason);
  return { ...NOTHING, ...shared, state: 'migrated', drafts: named, cells, notes: distinctNotes(notes) };
}

// Several configs of one file say the same of what they share.
function distinctNotes(notes: readonly Note[]): readonly Note[] {
  const byKey = new Map(notes.map((note) => [JSON.stringify([note.kind, note.file, note.path, note.why]), note]));
  return [...byKey.values()];
}

/** Comments of the file as a whole, and what its thresholds file says of itself. */
function topComments(legacy: Legacy): readonly string[] {
  return Object.entries(legacy.value).flatMap(([key, value]) => {
    if (!isComment(key) || typeof value !== 'string' || !/^_+(?:comments?|note)_*$/.test(key)) return [];
    legacy.take([key]);
    return [value];
  });
}

/** Every figure of a config that becomes none of ours. */
function reportAll(migration: Migration, reason: { readonly why: string; readonly todo: string }): void {
  const { legacy, thresholds } = migration;
  const own = [...figureCells(legacy), ...resultCells(legacy, [])];
  for (const one of [...own, ...(thresholds === null ? [] : figureCells(thresholds))]) {
    reportFigures(migration, one, reason);
  }
}

/** Results that a config expects itself: `result_dict`, by cell or plain, and `expected_results` by GPU. */
function resultCells(legacy: Legacy, path: JsonPath): ReturnType<typeof figureCells> {
  const entries = Object.entries(fieldsOf(legacy.at(path))).filter(([key]) => !isComment(key));
  return entries.flatMap(([key, value]) => {
    const inner = [...path, key];
    if (key !== 'result_dict' && key !== 'expected_results') return resultCells(legacy, inner);
    const nested = Object.keys(fieldsOf(value)).filter((name) => typeof fieldsOf(value)[name] === 'object');
    if (nested.length === 0) return [{ legacy, path: inner, cell: textOf(path.at(-1) ?? '') }];
    return nested.map((name) => ({ legacy, path: [...inner, name], cell: name }));
  });
}
