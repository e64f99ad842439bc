import type { Series } from '../evidence/tables/tables.ts';
import type { Verdict } from '../evidence/verdict.ts';
import { marginOf } from './bound.ts';
import { count } from './describe.ts';
import { countFaults, findFault } from './finite.ts';
import { broken, judge, withoutAnswer } from './judge.ts';
import type { Question, Silence } from './judge.ts';
import type { RunTables } from './run-tables.ts';

const file = 'trajectory.parquet';

/** What one series answers to a question. */
interface SeriesFinding {
  readonly series: Series;
  readonly actual: number;
  /** The points behind `actual`. */
  readonly n: number;
  /** Where in the series, as half a sentence. */
  readonly where: string;
}

/**
 * Judges every rank and host by its own series of the question's metric; the
 * worst counts, and one that has no answer leaves all without. One value that
 * is not a number, wherever it is, fails the run.
 */
export function judgeSeries(
  question: Question,
  tables: RunTables,
  look: (series: Series) => SeriesFinding | Silence,
): Verdict {
  const series = tables.series.filter(({ metric }) => metric === question.metric);
  if (series.length === 0) return withoutAnswer(question, { reason: `the run has no series ${question.metric}`, file });
  const ruin = findRuin(series);
  if (ruin !== null) return broken(question, ruin);
  const findings: SeriesFinding[] = [];
  for (const one of series) {
    const found = look(one);
    if ('reason' in found) return withoutAnswer(question, found);
    findings.push(found);
  }
  return judgeWorst(question, findings);
}

function judgeWorst(question: Question, findings: readonly SeriesFinding[]): Verdict {
  // What is beyond numbers is worse than any, and must not hide behind the other series.
  const margin = ({ actual }: SeriesFinding): number =>
    Number.isFinite(actual) ? marginOf(question.bound, actual) : -Infinity;
  const worst = findings.reduce((a, b) => (margin(b) < margin(a) ? b : a));
  const which = findings.length === 1 ? [] : [`worst of ${findings.length} series: ${nameOf(worst.series)}`];
  return judge(question, {
    actual: worst.actual,
    n: worst.n,
    evidence: { file },
    notes: [worst.where, ...which],
  });
}

/** Why one series leaves a question without an answer. */
export function silenceOf(series: Series, reason: string, n = 0): Silence {
  return { reason: `${nameOf(series)} ${reason}`, file, n };
}

/** What breaks a verdict over these series: the first of them with a value that is not a number; null when there is none. */
export function findRuin(series: readonly Series[]): Silence | null {
  const ruined = series.find(({ values }) => findFault(values) >= 0);
  return ruined === undefined ? null : silenceOf(ruined, describeRuin(ruined), ruined.values.length);
}

function describeRuin({ values, steps }: Series): string {
  return `has ${count(countFaults(values), 'value')} not a number, first at step ${steps[findFault(values)]}`;
}

/** The role, host and rank of a series: `worker n1 rank 3`. */
export function nameOf({ role, host, rank }: Series): string {
  return `${role} ${host}${rank === null ? '' : ` rank ${rank}`}`;
}
