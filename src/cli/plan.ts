import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { defineCommand } from 'citty';
import type { ArgsDef } from 'citty';
import { formatProblem } from '../config/yaml/problem.ts';
import type { Problem } from '../config/yaml/problem.ts';
import { AssayError } from '../core/errors.ts';
import { groupBy } from '../core/group-by.ts';
import type { PlannedSession } from '../session/plan-api.ts';
import { comparePlans, planAtRef } from '../session/plan-diff.ts';
import type { PlanDiff } from '../session/plan-diff.ts';
import { reportPlan } from '../session/plan-report.ts';
import type { PlanReport } from '../session/plan-report.ts';
import { frameworks } from '../session/registry.ts';
import { readOptions } from './arguments.ts';
import type { Options } from './arguments.ts';
import { printDiff } from './plan-diff.ts';
import { diffMarkdown, planMarkdown } from './plan-markdown.ts';
import { planSessionOf } from './plan-session.ts';
import { planTable } from './plan-table.ts';
import { claimFilters, isFiltered, sessionOptions } from './session-options.ts';

const planOptions = {
  ...sessionOptions,
  diff: { type: 'string', valueHint: 'git-ref', description: 'compare with the configs of a commit instead' },
  json: { type: 'boolean', description: 'print one JSON document' },
  markdown: { type: 'boolean', description: 'print Markdown, such as for a comment on a pull request' },
} as const satisfies ArgsDef;

/** `assay plan`: what a run would do, without one. */
export const plan = defineCommand({
  meta: {
    name: 'plan',
    description: 'Show what a run would do: cells, nodes, claims and time. Nothing is launched.',
  },
  args: planOptions,
  async run({ rawArgs }) {
    const options = readOptions(rawArgs, planOptions);
    const [ref, onlySelected] = [options.one('diff'), isFiltered(claimFilters(options))];
    if (ref !== null && onlySelected) throw partOfDiff();
    const form = formOf(options);
    const { sessions } = await planSessionOf(options);
    const warnings = warningsOf(sessions);
    for (const warning of warnings) process.stderr.write(`warning ${formatProblem(warning)}\n`);
    const text =
      ref === null
        ? PLAN_AS[form]({ ...reportPlan(sessions, { onlySelected }), warnings })
        : DIFF_AS[form](await diffSince(ref, sessions), ref);
    await pipeline(Readable.from(typeof text === 'string' ? [text] : text), process.stdout, { end: false });
  },
});

/** What `assay plan --help` shows below the options. */
export const planExamples = `  assay plan                                  everything that is configured
  assay plan --only-cells 'balanced-*,*-conc16'
  assay plan -t 'llama_cpp ttft_p99'          the cells that a run with this -t would need
  assay plan --cluster lab.cluster.yaml       on other nodes
  assay plan --set params.num_prompts=100     with another value
  assay plan --diff main                      what a branch changes: to launch again, to judge again
  assay plan --diff main --markdown           the same as a comment on a pull request
  assay plan --json | jq '.cells[] | select(.status == "skipped") | .reason'
`;

/** The document of `--json`. */
interface PlanDocument extends PlanReport {
  readonly warnings: readonly Problem[];
}

type Form = 'text' | 'json' | 'markdown';

const PLAN_AS: Readonly<Record<Form, (document: PlanDocument) => string | Iterable<string>>> = {
  text: planTable,
  json: jsonOf,
  markdown: planMarkdown,
};

const DIFF_AS: Readonly<Record<Form, (diff: PlanDiff, ref: string) => string>> = {
  text: printDiff,
  json: (diff) => `${JSON.stringify(diff, null, 2)}\n`,
  markdown: diffMarkdown,
};

function formOf(options: Options): Form {
  if (!options.has('json')) return options.has('markdown') ? 'markdown' : 'text';
  if (!options.has('markdown')) return 'json';
  throw new AssayError('USAGE', '--json and --markdown are two forms of the same', {
    hint: 'leave out one of the two',
  });
}

const CELLS_PER_PIECE = 100;

/** The report in pieces, a line for each cell: a big one would not fit a second time into memory. */
function* jsonOf({ cells, totals, warnings }: PlanDocument): Iterable<string> {
  yield '{"cells": [';
  for (let start = 0; start < cells.length; start += CELLS_PER_PIECE) {
    const lines = cells.slice(start, start + CELLS_PER_PIECE).map((cell) => `\n${JSON.stringify(cell)}`);
    yield `${start === 0 ? '' : ','}${lines.join(',')}`;
  }
  yield `\n],\n"totals": ${JSON.stringify(totals)},\n"warnings": ${JSON.stringify(warnings)}}\n`;
}

function warningsOf(sessions: readonly PlannedSession[]): readonly Problem[] {
  return [...new Set(sessions.map((session) => session.plan))].flatMap((one) => one.warnings);
}

/** Projects that share a plan count once. */
async function diffSince(ref: string, sessions: readonly PlannedSession[]): Promise<PlanDiff> {
  const distinct = [...groupBy(sessions, (session) => session.plan).values()].flatMap(([first]) => first ?? []);
  const before = await Promise.all(distinct.map(({ options }) => planAtRef(ref, options, frameworks)));
  return comparePlans(
    { cells: before.flatMap(({ cells }) => cells) },
    { cells: distinct.flatMap((session) => session.plan.cells) },
  );
}

function partOfDiff(): AssayError {
  return new AssayError('USAGE', '--diff compares all claims of the cells', {
    hint: 'leave out -t and --tags-filter; --only-cells compares some of the cells',
  });
}
