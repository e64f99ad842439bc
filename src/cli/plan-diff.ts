import { describeChange, describeValues } from '../core/changed-fields.ts';
import { groupBy } from '../core/group-by.ts';
import type { PlanDiff, ThresholdChange } from '../session/plan-diff.ts';
import { wrap } from './wrap.ts';

/** What lies between two plans, for people: a section for each outcome, those that cost most first. */
export function printDiff(diff: PlanDiff, ref: string): string {
  const { added, removed, moved, relaunched, rejudged } = diff;
  const sections = [
    section(
      'To launch again',
      relaunched.map(({ key, changes, thresholds }) => ({
        name: key,
        why: [
          ...changes.map(describeChange),
          ...thresholds.map((change) => `and judged by another bound: ${describeThreshold(change)}`),
        ],
      })),
    ),
    section(
      'New',
      added.map((name) => ({ name, why: [] })),
    ),
    section(
      'Gone',
      removed.map((name) => ({ name, why: [] })),
    ),
    section(
      'Moved: the same workload, by another name',
      moved.map(({ from, to, changes }) => ({ name: `${from} -> ${to}`, why: changes.map(describeThreshold) })),
    ),
    section(
      'Only judged again',
      rejudged.map(({ key, changes }) => ({ name: key, why: changes.map(describeThreshold) })),
    ),
  ];
  return [...sections.flat(), ...wrap(` since ${ref}: ${counts(diff)}`, '   '), ''].join('\n');
}

function counts({ added, removed, moved, relaunched, rejudged, unchanged }: PlanDiff): string {
  return [
    ...count(added, 'new'),
    ...count(removed, 'gone'),
    ...count(moved, 'moved'),
    ...count(relaunched, 'to launch again'),
    ...count(rejudged, 'only judged again'),
    `${unchanged} unchanged`,
  ].join(' · ');
}

function count(cells: readonly unknown[], what: string): readonly string[] {
  return cells.length === 0 ? [] : [`${cells.length} ${what}`];
}

/** A changed threshold for people: `ttft_p99: value 50 -> 90`, `ttft_p99: new`. */
export function describeThreshold(change: ThresholdChange): string {
  const { benchmark, path, before } = change;
  if (path !== '') return `${benchmark}: ${path} ${describeValues(change)}`;
  return `${benchmark}: ${before === undefined ? 'new' : 'gone'}`;
}

/** A cell as it is listed, and the explanations it may share with others. */
interface Listed {
  readonly name: string;
  readonly why: readonly string[];
}

const CELLS_PER_SECTION = 20;

function section(title: string, cells: readonly Listed[]): readonly string[] {
  if (cells.length === 0) return [];
  const groups = [...groupBy(cells, ({ why }) => why.join('\n')).values()];
  const shown = groups.slice(0, CELLS_PER_SECTION);
  const share = Math.floor(CELLS_PER_SECTION / shown.length);
  const hidden = groups.slice(shown.length).flat().length;
  return [` ${title}`, ...shown.flatMap((group) => groupLines(group, share)), ...more(hidden, '   '), ''];
}

/** Cells with the same explanations: these, and then as many names as the group may show. */
function groupLines(cells: readonly Listed[], share: number): readonly string[] {
  const why = cells[0]?.why ?? [];
  const names = cells.slice(0, share).map(({ name }) => name);
  const hidden = cells.length - names.length;
  if (why.length === 0) return [...names.flatMap((name) => wrap(`   ${name}`, '     ')), ...more(hidden, '   ')];
  const head = `   ${cells.length} ${cells.length === 1 ? 'cell ' : 'cells'}  `;
  const hanging = ' '.repeat(head.length);
  const [first = '', ...rest] = [...why.slice(0, REASONS), ...more(why.length - REASONS, '')];
  return [
    ...wrap(`${head}${first}`, `${hanging}  `),
    ...rest.flatMap((line) => wrap(`${hanging}${line}`, `${hanging}  `)),
    ...names.flatMap((name) => wrap(`     ${name}`, '       ')),
    ...more(hidden, '     '),
  ];
}

const REASONS = 8;

function more(hidden: number, indent: string): readonly string[] {
  return hidden > 0 ? [`${indent}... ${hidden} more`] : [];
}
