import { benchmarkOf } from '../../config/benchmark.ts';
import type { Threshold } from '../../config/threshold.ts';
import { parseYaml } from '../../config/yaml/yaml-source.ts';
import type { PathStep } from '../../config/yaml/yaml-source.ts';
import { groupBy } from '../../core/group-by.ts';
import { cellIdOf, isOpen } from './draft.ts';
import type { Draft, DraftCell } from './draft.ts';
import { writtenThresholds } from './figures.ts';
import type { WrittenThreshold } from './figures.ts';
import type { Fields } from './legacy.ts';
import { showable } from './legacy.ts';
import type { Note } from './outcome.ts';
import { commentLines, yamlOf } from './yaml-text.ts';

/** A config of ours as text, and what there is to say of it. */
export interface Rendered {
  /** Relative to the output folder. */
  readonly file: string;
  readonly text: string;
  /** The thresholds beside it; null when it holds them itself. */
  readonly thresholds: { readonly file: string; readonly text: string } | null;
  readonly testId: string;
  readonly framework: string;
  readonly cells: readonly { readonly legacy: string; readonly key: string }[];
  readonly fillIns: readonly Note[];
}

/** What a rendered config is called and what stands on top of it. */
export interface Naming {
  /** Relative to the output folder, without extension. */
  readonly stem: string;
  readonly testId: string;
  /** The legacy file, from the working directory. */
  readonly legacyFile: string;
  /** The comment that names the schema, for a file of the output folder. */
  readonly modeline: (file: string, kind: 'workload' | 'thresholds') => string;
  /** Further comments on top, one paragraph each. */
  readonly comments: readonly string[];
}

/** More thresholds than these live in a file of their own. */
const MOST_INSIDE = 8;

/** Writes a draft as YAML. */
export function render(draft: Draft, naming: Naming): Rendered {
  const file = `${naming.stem}.yaml`;
  const written = writtenThresholds(draft);
  const thresholds = written.map(({ fields }) => fields);
  const isBeside = thresholds.length > MOST_INSIDE;
  const beside = isBeside ? renderThresholds(draft, naming, thresholds) : null;
  const text = withHeader(yamlOf(fieldsOf(draft, naming, isBeside ? [] : thresholds)), [
    naming.modeline(file, 'workload'),
    ...commentLines(
      `Migrated from ${naming.legacyFile} by assay migrate-config; what it left out is in migration-report.md.`,
    ),
    ...naming.comments.flatMap(commentLines),
  ]);
  const files = [{ file, text }, ...(beside === null ? [] : [beside])];
  return {
    file,
    text,
    thresholds: beside,
    testId: naming.testId,
    framework: draft.spec.name,
    cells: draft.cells.map((cell) => ({ legacy: cell.legacy, key: `${naming.testId}/${cellIdOf(draft, cell)}` })),
    fillIns: files.flatMap((one) => openIn(one, naming.legacyFile, originsOf(draft, written))),
  };
}

function withHeader(body: string, header: readonly string[]): string {
  return `${header.join('\n')}\n${body}`;
}

function renderThresholds(
  draft: Draft,
  naming: Naming,
  thresholds: readonly Fields[],
): { readonly file: string; readonly text: string } {
  const file = `${naming.stem}.thresholds.yaml`;
  const header = [
    naming.modeline(file, 'thresholds'),
    ...commentLines(`Thresholds of ${draft.spec.name}, migrated from ${naming.legacyFile}.`),
  ];
  return { file, text: withHeader(yamlOf({ schema_version: '2', thresholds }), header) };
}

function fieldsOf(draft: Draft, { testId }: Naming, thresholds: readonly Fields[]): Fields {
  const { spec, container, seed } = draft;
  const include = includeOf(draft);
  const isEmpty = (fields: Fields): boolean => Object.keys(fields).length === 0;
  const benchmarks = [...new Set(draft.thresholds.map(({ fields }) => benchmarkOf(fields as unknown as Threshold)))];
  return {
    schema_version: '2',
    test_id: testId,
    target_gpu: draft.targetGpu,
    framework: spec.name,
    workload_kind: spec.workloadKind,
    topology: { roles: draft.topology },
    model: draft.model,
    ...(container === null ? {} : { container }),
    ...(seed === null ? {} : { seed }),
    ...(isEmpty(draft.knobs) ? {} : { knobs: draft.knobs }),
    ...(draft.idKnob === null ? {} : { id_knobs: ['attention', 'quant', draft.idKnob] }),
    params: draft.params,
    ...(isEmpty(draft.sweep) ? {} : { sweep: { ...draft.sweep, ...(include.length === 0 ? {} : { include }) } }),
    benchmarks,
    ...(thresholds.length === 0 ? {} : { thresholds }),
    enforce: draft.enforce,
    ...(draft.reuseServer ? {} : { reuse_server: false }),
    ...(isEmpty(draft.secrets) ? {} : { secrets: draft.secrets }),
  };
}

/** The cells by name, where they are not all that the axes cross to. */
function includeOf({ sweep, cells }: Draft): readonly DraftCell['when'][] {
  const all = Object.values(sweep).reduce((product, values) => product * values.length, 1);
  return cells.length === all ? [] : cells.map(({ when }) => when);
}

/** The drafts that a draft must be written as: where thresholds are enforced, all cells of a config have the same benchmarks. */
export function splitByBenchmarks(draft: Draft): readonly Draft[] {
  if (!draft.enforce || draft.cells.length < 2) return [draft];
  const benchmarksOf = ({ legacy }: DraftCell): string => {
    const own = draft.thresholds.filter(({ cell }) => cell === legacy);
    return own
      .map(({ fields }) => benchmarkOf(fields as unknown as Threshold))
      .toSorted()
      .join();
  };
  const groups = [...groupBy(draft.cells, benchmarksOf).values()];
  if (groups.length === 1) return [draft];
  return groups.map((cells, index) => ({
    ...draft,
    suffix: [draft.suffix, `part${index + 1}`].filter((part) => part !== '').join('_'),
    knobs: { ...draft.knobs },
    cells,
    thresholds: draft.thresholds.filter(({ cell }) => cells.some(({ legacy }) => legacy === cell)),
  }));
}

/** The places of a file that are still to be filled in. */
function openIn({ file, text }: Output, legacyFile: string, originOf: (path: string) => string): readonly Note[] {
  const { source } = parseYaml(file, text);
  if (source === null) return [];
  return openBelow(source.value, []).map(({ path, value }): Note => {
    const { line, path: shown } = source.locate(path);
    return {
      kind: 'fill_in',
      file: legacyFile,
      path: originOf(shown),
      value: showable(path, value),
      // What this command wrote says what is missing.
      why: String(value).startsWith('<changeme: ') ? 'the legacy file does not say it' : 'left open by the legacy file',
      todo: 'write your value there',
      output: `${file}:${line} ${shown}`,
    };
  });
}

interface Output {
  readonly file: string;
  readonly text: string;
}

/** Tells where in the legacy file a value came from; empty where it came from nowhere. */
function originsOf({ origins }: Draft, written: readonly WrittenThreshold[]): (path: string) => string {
  return (path) => {
    const [, index] = /^thresholds\[(\d+)\]/.exec(path) ?? [];
    if (index !== undefined) return written[Number(index)]?.from ?? '';
    return origins.get(path) ?? origins.get(path.replace(/\[\d+\]$/, '')) ?? '';
  };
}

function openBelow(
  value: unknown,
  path: readonly PathStep[],
): readonly { path: readonly PathStep[]; value: unknown }[] {
  if (isOpen(value)) return [{ path, value }];
  if (Array.isArray(value)) return value.flatMap((item, index) => openBelow(item, [...path, index]));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => openBelow(inner, [...path, key]));
}
