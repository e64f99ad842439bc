import type { JsonPath, Legacy } from './legacy.ts';
import { printPath, showable } from './legacy.ts';

/** What became of one value of a legacy file that did not simply become a field. */
export interface Note {
  /**
   * `fill_in` is a placeholder that stands in the YAML; `changed` was carried as something else; `not_carried` stands
   * nowhere; `refused` is a problem that the loader has with what was written; `comment` was for people.
   */
  readonly kind: 'fill_in' | 'refused' | 'not_carried' | 'changed' | 'comment';
  readonly file: string;
  /** JSON path; empty where the legacy file has no such field. */
  readonly path: string;
  readonly value: unknown;
  readonly why: string;
  /** The next step; empty where there is none. */
  readonly todo: string;
  /** `file:line path` in the YAML; null for what does not stand there. */
  readonly output: string | null;
}

/** What became of one threshold figure. */
export interface Figure {
  readonly file: string;
  readonly path: string;
  /** The cell as the legacy file names it. */
  readonly cell: string;
  readonly metric: string;
  readonly value: unknown;
  /** `dropped`: it could not fail anyway. */
  readonly outcome: 'carried' | 'dropped' | 'reported';
  readonly why: string;
  readonly todo: string;
}

/** What became of one declared cell. */
export interface CellOutcome {
  /** As the legacy file names it. */
  readonly legacy: string;
  /** `<test_id>/<cell_id>`; null where it is in no config. */
  readonly key: string | null;
  readonly why: string;
}

/** What a reason says: why, and what to do. */
export interface Reason {
  readonly why: string;
  readonly todo: string;
}

/** A note about a value of a legacy file. */
export function noteOf(kind: Note['kind'], legacy: Legacy, at: { readonly path: JsonPath } & Reason): Note {
  const { path, why, todo } = at;
  const value = showable(path, legacy.at(path) ?? null);
  return { kind, file: legacy.file, path: printPath(path), value, why, todo, output: null };
}
