import type { ResolvedConfig, TestProject, Vitest } from 'vitest/node';
import { inReadingOrder, skippedTag } from '../config/tags.ts';
import type { Tag } from '../config/tags.ts';
import type { PlannedCell, SessionPlan } from '../session/plan.ts';
import { tagsOfCell } from '../session/planned-claim.ts';
import type { PlannedClaim, SuiteClaim } from '../session/planned-claim.ts';
import { frameworks } from '../session/registry.ts';
import { checkSuites } from './claims/check-suites.ts';
import { readFilters } from './select/filters.ts';
import type { Filters } from './select/filters.ts';
import { narrowTestFiles } from './select/narrow-files.ts';
import { packSelection } from './claims/pack-selection.ts';
import { planClaims, selectClaims } from './select/selection.ts';
import type { CellShards } from './select/shard.ts';
import type { Suite } from './claims/suite.ts';
import { readSuites } from './claims/suite-files.ts';
import { writeTagTypes } from './claims/tag-types.ts';

type ProjectTag = ResolvedConfig['tags'][number];

/** What a project has to say about the cells of a plan, before any of it is in force. */
export interface DraftedClaims {
  readonly suites: readonly Suite[];
  /** Of every cell. */
  readonly claims: readonly PlannedClaim[];
  /** All tags of these, by name. */
  readonly tags: ReadonlyMap<string, Tag>;
  readonly filters: Filters;
  /** Those that are asked for. */
  readonly selected: readonly PlannedClaim[];
}

/** What a project needs of its session. */
export interface ProjectSurroundings {
  readonly vitest: Vitest;
  /** Absolute folders of suites. */
  readonly folders: readonly string[];
  /** Where workers ask for runs. */
  readonly socket: string;
  /** Whether the command line left cells or configs out. */
  readonly isNarrowed: boolean;
  /** Null where all cells are this process's. */
  readonly shards: CellShards | null;
  /** The file that declares all tags to TypeScript, absolute; null for none. */
  readonly tagTypes: string | null;
}

/** The claims of one Vitest project: read from its suites, selected, and handed to its workers. */
export class ProjectClaims {
  readonly project: TestProject;
  readonly #surroundings: ProjectSurroundings;
  #current: DraftedClaims | null = null;
  /** The names of the project's tags that are ours. */
  #declared: ReadonlySet<string> = new Set();

  constructor(project: TestProject, surroundings: ProjectSurroundings) {
    this.project = project;
    this.#surroundings = surroundings;
    narrowTestFiles(project, {
      suiteFiles: () => this.#current?.suites.map(({ file }) => file) ?? [],
      selectedFiles: () => [...new Set(this.selected.map(({ claim }) => claim.file))],
    });
  }

  /** The claims that are asked for. */
  get selected(): readonly PlannedClaim[] {
    return this.#current?.selected ?? [];
  }

  /** What is in force; null before the first draft is. */
  get current(): DraftedClaims | null {
    return this.#current;
  }

  /** Absolute folders of suites. */
  get folders(): readonly string[] {
    return this.#surroundings.folders;
  }

  /**
   * Reads the suites and selects among their claims about a plan; changes nothing.
   *
   * @throws AssayError CLAIMS_INVALID, SELECTION_INVALID.
   */
  async draft({ cells }: SessionPlan): Promise<DraftedClaims> {
    const { folders, vitest, shards, isNarrowed } = this.#surroundings;
    const suites = await readSuites(this.project, folders);
    const specs = frameworks.map(({ spec }) => spec);
    checkSuites(suites, { cells: cells.map(({ cell }) => cell), specs, isNarrowed });
    const claims = planClaims(suites, cells);
    const tags = tagsOf(claims);
    const known = new Set([...this.#othersTags().map(({ name }) => name), ...tags.keys()]);
    const filters = readFilters(vitest, this.project, known);
    const selected = selectClaims(claims, filters);
    return { suites, claims, tags, filters, selected: shards?.keep(selected) ?? selected };
  }

  /** Puts a draft in force: the next pass registers its selection. */
  commit(draft: DraftedClaims): void {
    this.#current = draft;
    this.#declareTags(draft.tags);
    this.#writeTagTypes();
    const { socket } = this.#surroundings;
    const haveTagsOptions = this.project.config.tags.some(setsMore);
    this.project.provide('assay', packSelection(draft.selected, { socket, haveTagsOptions }));
  }

  #othersTags(): readonly ProjectTag[] {
    return this.project.config.tags.filter(({ name }) => !this.#declared.has(name));
  }

  /** Tags of cells that are gone go as well; a tag that the project has already stays as it is. */
  #declareTags(known: DraftedClaims['tags']): void {
    const others = this.#othersTags();
    const own = new Map(known);
    for (const { name } of others) own.delete(name);
    this.#declared = new Set(own.keys());
    const { tags } = this.project.config;
    tags.length = 0;
    for (const tag of others) tags.push(tag);
    // Vitest takes whatever else is in a tag for an option that it gives to tests.
    for (const { name, description } of inReadingOrder(own.values())) tags.push({ name, description });
  }

  #writeTagTypes(): void {
    const { tagTypes } = this.#surroundings;
    if (tagTypes === null) return;
    const names = this.project.config.tags.map(({ name }) => name);
    // Which cells are skipped depends on the machine, and the file is for all of them.
    writeTagTypes(
      tagTypes,
      names.filter((name) => !name.startsWith(SKIPPED)),
    );
  }
}

/** Whether a tag is more than a word to select by. */
function setsMore({ name: _name, description: _description, ...options }: ProjectTag): boolean {
  return Object.keys(options).length > 0;
}

const SKIPPED = skippedTag('').name;

function tagsOf(claims: readonly PlannedClaim[]): ReadonlyMap<string, Tag> {
  const [cells, declared] = [new Set<PlannedCell>(), new Set<SuiteClaim>()];
  for (const { claim, planned } of claims) {
    cells.add(planned);
    declared.add(claim);
  }
  const tags = new Map<string, Tag>();
  for (const planned of cells) for (const tag of tagsOfCell(planned)) tags.set(tag.name, tag);
  for (const claim of declared) for (const tag of claim.tags) tags.set(tag.name, tag);
  return tags;
}
