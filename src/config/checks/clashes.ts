import type { Cell } from '../cell.ts';
import { place } from '../issues/issues.ts';
import type { Unplaced } from '../issues/issues.ts';
import type { Problem } from '../yaml/problem.ts';
import { valueAt } from '../issues/schema-lookup.ts';
import type { Workload } from '../schema/schema.ts';
import { benchmarkTag, cellTag, tagsOfConfig } from '../tags.ts';
import type { PlacedTag } from '../tags.ts';
import type { YamlSource } from '../yaml/yaml-source.ts';

/** A loaded config: its cells, and the file that places its mistakes. */
export interface CellsOfConfig {
  readonly source: YamlSource;
  readonly workload: Workload;
  readonly cells: readonly Cell[];
}

/** What loaded configs may not share: a test id (their runs would mix), a claim's name, a tag for different values. */
export function findClashes(configs: readonly CellsOfConfig[]): readonly Problem[] {
  const byTestId = new Map<string, CellsOfConfig>();
  const byBracket = new Map<string, CellsOfConfig>();
  const byTag = new Map<string, TagOwner>();
  return configs.flatMap((config) => {
    const { test_id: testId } = config.workload;
    const namesake = byTestId.get(testId);
    const mistakes = namesake === undefined ? bracketClash(config, byBracket) : [sharedTestId(testId, namesake)];
    if (namesake === undefined) byTestId.set(testId, config);
    for (const { bracket } of config.cells) if (!byBracket.has(bracket)) byBracket.set(bracket, config);
    return [...mistakes, ...tagClashes(config, byTag)].map((mistake) => place(config.source, mistake));
  });
}

function sharedTestId(testId: string, { source }: CellsOfConfig): Unplaced {
  return {
    path: ['test_id'],
    message: `${testId} is also the test_id of ${source.file}`,
    hint: 'give the config its own test_id',
  };
}

function bracketClash(
  { workload, cells, source }: CellsOfConfig,
  owners: ReadonlyMap<string, CellsOfConfig>,
): readonly Unplaced[] {
  const shared = cells.find(({ bracket }) => owners.has(bracket));
  const rival = shared === undefined ? undefined : owners.get(shared.bracket);
  if (shared === undefined || rival === undefined) return [];
  const isWritten = valueAt(source.value, ['id_knobs']) !== undefined;
  return [
    {
      path: [isWritten ? 'id_knobs' : 'knobs'],
      message: `tests of this config and of ${rival.source.file} would have the same names, such as ${shared.bracket}`,
      hint: hintForBracket(workload, rival),
    },
  ];
}

function hintForBracket({ knobs, id_knobs: named }: Workload, { workload: rival, source }: CellsOfConfig): string {
  const differsIn = (knob: string): boolean => knobs[knob] !== rival.knobs[knob];
  const own = Object.keys(knobs).find((knob) => !named.includes(knob) && differsIn(knob));
  if (own !== undefined) return `write \`id_knobs: [${[...named, own].join(', ')}]\``;
  const other = Object.keys(rival.knobs).find((knob) => !rival.id_knobs.includes(knob) && differsIn(knob));
  if (other !== undefined) return `write \`id_knobs: [${[...rival.id_knobs, other].join(', ')}]\` in ${source.file}`;
  const knob = 'variant';
  return `no knob tells them apart: add one, such as \`${knob}: b\`, and \`id_knobs: [${[...named, knob].join(', ')}]\``;
}

interface TagOwner {
  readonly value: string;
  readonly file: string;
}

function tagClashes(config: CellsOfConfig, owners: Map<string, TagOwner>): readonly Unplaced[] {
  const mistakes = new Map<string, Unplaced>();
  for (const { name, value, path } of placedTags(config)) {
    const owner = owners.get(name);
    if (owner === undefined) owners.set(name, { value, file: config.source.file });
    else if (owner.value !== value) {
      const message = `${value} has the tag ${name}, and so has ${owner.value} in ${owner.file}`;
      const orAlike = path[0] === 'test_id' ? '' : ', or write them alike';
      mistakes.set(name, { path, message, hint: `make them differ in letters or digits${orAlike}` });
    }
  }
  return [...mistakes.values()];
}

function placedTags({ workload, cells }: CellsOfConfig): readonly PlacedTag[] {
  return [
    ...tagsOfConfig(workload),
    ...cells.map(({ cellId }) => ({ value: cellId, path: ['sweep'], ...cellTag(cellId) })),
    ...workload.benchmarks.map((value, index) => ({ value, path: ['benchmarks', index], ...benchmarkTag(value) })),
  ];
}
