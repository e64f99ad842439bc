import { basename, join, resolve, sep } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import { isOver } from '../../core/process-start.ts';
import { appendLines, catalogLine, openCatalog, stampOf } from './catalog.ts';
import type { Catalog } from './catalog.ts';
import { factOf } from './fact.ts';
import { subfoldersOf } from './find-runs.ts';
import { listLive } from './live-runs.ts';
import type { LiveRun } from './live-runs.ts';
import type { Fact } from './fact.ts';
import type { Manifest } from '../manifest.ts';
import { RUN_LEVELS } from '../run-folder.ts';
import { readManifest } from '../run-reader.ts';

/** A run that ended. */
export interface StoredRun {
  /** The run directory, absolute. */
  readonly folder: string;
  readonly fact: Fact;
  /** Says which manifest `fact` was made from. */
  readonly stamp: string;
}

/** The place of a run, and which manifest it has there. */
export interface StoredPlace {
  readonly runId: string;
  /** Relative to the artifact directory. */
  readonly path: string;
  readonly stamp: string;
}

/** What a reader of stored runs may say and ask. */
export interface StoreOptions {
  /** Is told of every run directory that cannot be read, or folder of such, with the reason. */
  readonly onUnreadable?: OnUnreadable;
  /** Whether a run can be left out, because its reader has it as it is: it is not read then. */
  readonly isKnown?: (place: StoredPlace) => boolean;
}

type OnUnreadable = (folder: string, reason: string) => void;

/**
 * Every run that ended in an artifact directory, oldest first. The run directories decide; what the catalogue says of
 * them is taken where it is up to date, and mended where it is not. Nothing of a run is kept once the next is asked for.
 */
export function* storedRuns(artifacts: string, options: StoreOptions = {}): Generator<StoredRun, void, undefined> {
  const { onUnreadable = () => undefined, isKnown = () => false } = options;
  const root = resolve(artifacts);
  const reader = new FactReader(root, onUnreadable);
  try {
    for (const { runId, cell } of runsIn(root, onUnreadable)) {
      const path = `${cell}${sep}${runId}`;
      const folder = `${root}${sep}${path}`;
      // Before the manifest is read: one that replaces it meanwhile has another stamp.
      const stamp = stampOf(folder) ?? '';
      if (isKnown({ runId, path, stamp })) continue;
      const fact = reader.read({ runId, path, stamp });
      if (fact !== null) yield { folder, fact, stamp };
    }
  } finally {
    reader.close();
  }
}

const MEND_CHARACTERS = 2 ** 18;

/** Reads rows from the catalogue, or else from manifests; then it adds the lines that the catalogue lacks. */
class FactReader {
  readonly #artifacts: string;
  readonly #onUnreadable: OnUnreadable;
  #catalog: Catalog | null = null;
  #missing = '';
  #live: readonly LiveRun[] | null = null;

  constructor(artifacts: string, onUnreadable: OnUnreadable) {
    this.#artifacts = artifacts;
    this.#onUnreadable = onUnreadable;
  }

  /** The row of a run; null for one that has not ended, or that cannot be read. */
  read({ runId, path, stamp }: StoredPlace): Fact | null {
    this.#catalog ??= openCatalog(this.#artifacts);
    const known = this.#catalog.find(runId, stamp);
    if (known?.['path'] === path) return known;
    const manifest = this.#manifestOf(join(this.#artifacts, path));
    if (manifest?.status === 'running') this.#tellUnlessLive(runId, path);
    if (manifest === null || manifest.status === 'running') return null;
    const fact = factOf(manifest, path);
    this.#missing += catalogLine(fact, stamp);
    if (this.#missing.length > MEND_CHARACTERS) this.#mend();
    return fact;
  }

  close(): void {
    this.#catalog?.close();
    this.#mend();
  }

  /** A run that nobody is at work on any more says so only once somebody has cleaned up behind it. */
  #tellUnlessLive(runId: string, path: string): void {
    this.#live ??= listLive(this.#artifacts);
    const note = this.#live.find(({ run_id: id }) => id === runId);
    if (note !== undefined && !isOver(note.holder)) return;
    const next = note === undefined ? 'nobody answers for it' : 'assay reap marks it, and ends what it left';
    this.#onUnreadable(join(this.#artifacts, path), `it never ended, and whoever ran it is gone - ${next}`);
  }

  #manifestOf(folder: string): Manifest | null {
    try {
      const manifest = readManifest(folder);
      if (manifest.run_id === basename(folder)) return manifest;
      this.#onUnreadable(folder, `its manifest is that of run ${manifest.run_id}`);
    } catch (thrown) {
      this.#onUnreadable(folder, messageOf(thrown));
    }
    return null;
  }

  #mend(): void {
    try {
      if (this.#missing !== '') appendLines(this.#artifacts, this.#missing);
    } catch {
      // A folder that may only be read: its next reader reads the manifests again.
    }
    this.#missing = '';
  }
}

// What is a run is known by its place. The id of a run begins with the time at which it began.
const RUN_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** There may be very many: of its path, what it shares with others is kept once. */
interface Place {
  readonly runId: string;
  /** The folder that it lies in, relative to the artifact directory. */
  readonly cell: string;
}

function runsIn(artifacts: string, onUnreadable: OnUnreadable): readonly Place[] {
  const foldersIn = (folder: string): readonly string[] =>
    subfoldersOf(join(artifacts, folder), (path, { message }) => onUnreadable(path, message));
  let cells: readonly string[] = [''];
  for (let level = 1; level < RUN_LEVELS; level++) {
    cells = cells.flatMap((folder) => foldersIn(folder).map((name) => join(folder, name)));
  }
  const runs = cells
    .flatMap((cell) => foldersIn(cell).map((runId) => ({ runId, cell })))
    .filter(({ runId }) => RUN_ID.test(runId))
    .sort(byIdThenCell);
  return runs.filter(({ runId, cell }, index) => {
    const isCopy = runs[index - 1]?.runId === runId;
    if (isCopy) onUnreadable(join(artifacts, cell, runId), `run ${runId} has a directory already`);
    return !isCopy;
  });
}

function byIdThenCell(a: Place, b: Place): number {
  const [left, right] = a.runId === b.runId ? [a.cell, b.cell] : [a.runId, b.runId];
  return left < right ? -1 : 1;
}
