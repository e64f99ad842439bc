import type { FrameworkSpec } from '../../config/schema/framework.ts';
import { groupBy } from '../../core/group-by.ts';
import { isVacuous } from '../../config/checks/vacuous.ts';
import { thresholdSchema } from '../../config/threshold.ts';
import { plain } from './coerce.ts';
import { isOpen } from './draft.ts';
import type { Draft } from './draft.ts';
import { fieldsOf, isComment, printPath, textOf } from './legacy.ts';
import type { Fields, JsonPath, Legacy } from './legacy.ts';
import type { Migration } from './migration.ts';
import type { Figure, Reason } from './outcome.ts';

/** The figures of one cell. */
export interface Figures {
  readonly legacy: Legacy;
  /** The object with the figures of one cell: metric -> figure, or metric -> {kind, value}. */
  readonly path: JsonPath;
  /** The cell as the legacy file names it. */
  readonly cell: string;
}

interface LegacyFigure {
  readonly metric: string;
  /** `min`, `max`, `info`, `min_tok_s`, `max_ms`. */
  readonly kind: string;
  readonly value: unknown;
}

type Translated =
  | { readonly outcome: 'carried'; readonly fields: Fields }
  | ({ readonly outcome: 'dropped' | 'reported' } & Reason);

/** Takes the figures of one cell into a draft; each of them is carried, dropped or reported. */
export function takeFigures(migration: Migration, draft: Draft, from: Figures): void {
  const judged = new Set<string>();
  for (const { figure, at } of figuresIn(from)) {
    let translated = translate(figure, draft.spec);
    const key = translated.outcome === 'carried' ? keyOf(translated.fields) : '';
    if (judged.has(key)) translated = report('another figure of this cell judges the same', 'keep the one you mean');
    if (translated.outcome === 'carried') {
      judged.add(key);
      draft.thresholds = [...draft.thresholds, { cell: from.cell, fields: translated.fields, from: printPath(at) }];
    }
    pushFigure(migration, from, { figure, at, outcome: translated.outcome, reason: reasonIn(translated) });
  }
}

/** Reports the figures of a cell that is in no config. */
export function reportFigures(migration: Migration, from: Figures, reason: Reason): void {
  for (const { figure, at } of figuresIn(from)) {
    const dropped = cannotFail(figure);
    pushFigure(migration, from, {
      figure,
      at,
      outcome: dropped === null ? 'reported' : 'dropped',
      reason: dropped ?? reason,
    });
  }
}

interface Pushed {
  readonly figure: LegacyFigure;
  readonly at: JsonPath;
  readonly outcome: Figure['outcome'];
  readonly reason: Reason;
}

function pushFigure(migration: Migration, { legacy, cell }: Figures, { figure, at, outcome, reason }: Pushed): void {
  legacy.take([...at, 'value']);
  legacy.take([...at, 'kind']);
  legacy.take([...at, 'optional']);
  if (typeof legacy.at(at) !== 'object') legacy.take(at);
  const { metric, value } = figure;
  migration.figures.push({ file: legacy.file, path: printPath(at), cell, metric, value, outcome, ...reason });
}

function reasonIn(translated: Translated): Reason {
  return translated.outcome === 'carried' ? { why: '', todo: '' } : { why: translated.why, todo: translated.todo };
}

function figuresIn({ legacy, path }: Figures): readonly { readonly figure: LegacyFigure; readonly at: JsonPath }[] {
  return Object.entries(fieldsOf(legacy.at(path)))
    .filter(([metric]) => !isComment(metric))
    .map(([metric, spec]) => {
      const { kind, value } = fieldsOf(spec);
      const isFlat = typeof spec !== 'object' || spec === null;
      const figure = {
        metric,
        kind: isFlat ? directionOf(metric) : textOf(kind),
        value: isFlat ? spec : (value ?? null),
      };
      return { figure, at: [...path, metric] };
    });
}

// A figure without a kind: rates are floors, times are ceilings.
function directionOf(metric: string): string {
  return /per_sec|per_gpu|throughput|tokens|tflops/.test(metric) ? 'min' : 'max';
}

const isFloor = (kind: string): boolean => kind.startsWith('min');

function cannotFail({ kind, value }: LegacyFigure): Reason | null {
  const number = plain(value);
  const todo = 'set a bound that can fail, if it matters';
  if (kind === 'info') return { why: 'info only records, it never fails', todo };
  if (typeof number !== 'number') return null;
  if (isFloor(kind) && number <= 0) return { why: `no value is below ${number}: it cannot fail`, todo };
  if (!isFloor(kind) && number >= 1e6) return { why: `no value is above ${number}: it cannot fail`, todo };
  return null;
}

function report(why: string, todo: string): Translated {
  return { outcome: 'reported', why, todo };
}

function translate(figure: LegacyFigure, spec: FrameworkSpec): Translated {
  const dropped = cannotFail(figure);
  if (dropped !== null) return { outcome: 'dropped', ...dropped };
  const { kind, value } = figure;
  if (!/^(?:min|max)(?:_tok_s|_ms)?$/.test(kind)) return report(`there is no kind ${kind} here`, 'write it by hand');
  const metric = figure.metric.replace(/^(?:client|training)\./, '');
  const number = plain(value);
  if (typeof number !== 'number' && !isOpen(value)) return report('its value is no number', 'write it by hand');
  if (number === 0 && /_ms$|_s$|seconds$/.test(metric)) {
    return report('no time is 0 or less: it was never measured', 'measure it, then set the bound');
  }
  const named = { metric, kind, value: number };
  const fields = rateFor(named, spec) ?? percentileFor(named, spec);
  if (fields === null) return { outcome: 'reported', ...reasonFor(named, spec.name) };
  const parsed = thresholdSchema.safeParse(fields);
  const vacuous = parsed.success ? isVacuous(parsed.data) : null;
  return vacuous === null
    ? { outcome: 'carried', fields }
    : { outcome: 'dropped', why: `cannot fail: ${vacuous}`, todo: '' };
}

/** Rates under the names that the legacy suites have for them, by framework where one name means two things. */
const RATES: Readonly<Record<string, string>> = {
  output_throughput: 'throughput',
  output_throughput_per_sec: 'throughput',
  total_token_throughput: 'total_token_throughput',
  total_throughput_per_sec: 'total_token_throughput',
  request_throughput: 'request_throughput',
  request_throughput_per_sec: 'request_throughput',
  tokens_per_sec_total: 'throughput',
  tokens_per_sec_per_gpu: 'tokens_per_gpu',
  tflops_per_sec_per_gpu: 'tflops_per_gpu',
  'megatron tokens_per_gpu': 'tokens_per_gpu',
  'megatron throughput_per_gpu': 'tflops_per_gpu',
  'torchtitan throughput_per_gpu': 'tokens_per_gpu',
  'torchtitan tokens_per_sec': 'tokens_per_gpu',
};

const PERCENTILE = /^(?:p(?<rank>\d+(?:\.\d+)?)|median)_(?<metric>ttft|tpot|itl|e2el|e2e_latency)_ms$/;

function rateFor({ metric, kind, value }: LegacyFigure, spec: FrameworkSpec): Fields | null {
  const rate = RATES[`${spec.name} ${metric}`] ?? RATES[metric];
  if (rate === undefined || !spec.metrics.includes(rate) || !isFloor(kind)) return null;
  return { kind: 'Rate', metric: rate, per_unit: 'sec', op: '>=', min_rate: value };
}

function percentileFor({ metric, kind, value }: LegacyFigure, spec: FrameworkSpec): Fields | null {
  const { rank, metric: latency } = PERCENTILE.exec(metric)?.groups ?? {};
  const ours = `${latency === 'e2e_latency' ? 'e2el' : latency}_ms`;
  if (latency === undefined || !spec.metrics.includes(ours)) return null;
  const percentile = rank === undefined ? 50 : Number(rank);
  return { kind: 'Percentile', metric: ours, percentile, op: isFloor(kind) ? '>=' : '<=', value };
}

const REASONS: readonly (readonly [pattern: RegExp, why: string, todo: string])[] = [
  [
    /^max_avg_/,
    'the mean of a time is no percentile',
    'measure a percentile of generation_ms, or set a Rate of images or videos',
  ],
  [
    /^(?:mean|std)_|_mean_ms$/,
    'a mean is no percentile: no threshold here judges it',
    'measure the percentile and set a Percentile',
  ],
  [
    /^elapsed_time_per_iteration|^step_time/,
    'a time of a step in the mean or without a unit',
    'set a Rate of throughput, or a Stability of step_time_ms',
  ],
  [
    /^(?:loss|final_loss)$/,
    'the last loss alone is judged by nothing here',
    'set a Convergence of loss with op "<=": some step reaches it',
  ],
  [/^loss_decreased$/, 'a yes or no, not a measured value', 'set a Monotonicity of loss'],
  [/^eval_loss$/, 'a figure of the evaluation', 'set a Convergence of eval_loss, where the run evaluates'],
  [
    /^goodput$/,
    'a share of the requests; a Goodput here is requests per second',
    'set a Goodput with its bounds and min_qps',
  ],
  [/^success_rate$|^failed$/, 'nothing here judges the share of failed requests', 'every verdict says how many failed'],
  [/^tokens_per_gpu$/, 'eight times throughput_per_gpu under the name of a rate per GPU', 'throughput_per_gpu says it'],
  [
    /^gpu\.|^prom\./,
    'a figure of an instrument or of /metrics, which no threshold judges',
    'look at the run directory',
  ],
  [/mem/, 'memory in a unit that the file does not state', 'read gpu_state of a run, and set it by hand'],
  [
    /^mfu$|scaling_efficiency/,
    'a ratio to a peak or a baseline that the run does not know',
    'compare runs with assay query',
  ],
  [/_to_target/, 'the time to a target', 'set a Convergence with by_step or by_wallclock_sec'],
  [
    /^acc|exact_match|pass_rate|^tokens_per_sec$/,
    'a figure of an accuracy task, and none runs here',
    'run the task by itself',
  ],
];

/** Why a figure has no counterpart, and what to do. */
function reasonFor({ metric, kind }: LegacyFigure, framework: string): Reason {
  if (Object.hasOwn(RATES, metric) && !isFloor(kind))
    return { why: 'a most of a rate: a run passes by being too slow', todo: 'set a least, if one matters' };
  const found = REASONS.find(([pattern]) => pattern.test(metric));
  if (found !== undefined) return { why: found[1], todo: found[2] };
  return { why: `${framework} emits no such metric here`, todo: 'set a threshold on a metric of docs/frameworks.md' };
}

function keyOf({ kind, metric, percentile }: Fields): string {
  return JSON.stringify([kind, metric, percentile]);
}

/** A threshold as it is written, and where its figure stood. */
export interface WrittenThreshold {
  readonly fields: Fields;
  readonly from: string;
}

/** The thresholds of a config as they are written: those of all cells alike once, the others with `when:`. */
export function writtenThresholds({
  thresholds,
  cells,
}: Pick<Draft, 'thresholds' | 'cells'>): readonly WrittenThreshold[] {
  const groups = groupBy(thresholds, ({ fields }) => JSON.stringify(fields));
  return [...groups.values()].flatMap((group): readonly WrittenThreshold[] => {
    if (group.length === cells.length) return group.slice(0, 1);
    return group.map(({ cell, fields, from }) => {
      const when = cells.find(({ legacy }) => legacy === cell)?.when ?? {};
      return { fields: Object.keys(when).length === 0 ? fields : { ...fields, when }, from };
    });
  });
}
