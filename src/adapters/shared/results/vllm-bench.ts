import { detailRows } from './detail-rows.ts';
import { isPlausibleMoment, show } from './fields.ts';
import type { Fields } from './fields.ts';
import { known, loadAxes } from './result-run.ts';
import type { Origin, ResultRun } from './result-run.ts';
import { inMs, latencyScalars, voidWithoutCompleted } from './summary.ts';

/** Reads what `vllm bench serve` and its forks save: a summary in milliseconds, details in seconds. */
export function readVllmBench(fields: Fields): ResultRun {
  const rows = detailRows(fields);
  const counts = countsOf(fields);
  noteContradiction(fields, rows, counts);
  const goodput = fields.has('request_goodput') ? 'request_goodput' : 'request_goodput:';
  const figures = {
    throughput_tps: fields.amount('output_throughput'),
    request_throughput_rps: fields.amount('request_throughput'),
    total_token_throughput_tps: fields.amount('total_token_throughput'),
    request_goodput_rps: fields.amount(goodput),
    max_output_tokens_per_s: fields.time('max_output_tokens_per_s'),
    max_concurrent_requests: fields.time('max_concurrent_requests'),
    // 0 for every model that does not listen.
    rtfx: fields.time('rtfx'),
    total_input_tokens: fields.amount('total_input_tokens'),
    total_output_tokens: fields.amount('total_output_tokens'),
    ...latencyScalars(fields, 'ms'),
  };
  return {
    origin: originOf(fields),
    versions: {},
    scalars: voidWithoutCompleted(figures, counts),
    rows,
    durationMs: inMs(fields.time('duration'), 's'),
    startedAtMs: fields.moment('benchmark_start_time_unix', 1e-3),
    endedAtMs: fields.moment('benchmark_end_time_unix', 1e-3) ?? dateOf(fields),
    dropped: fields.notes.list(),
  };
}

function countsOf(fields: Fields): ResultRun['scalars'] {
  const requests = fields.amount('num_prompts');
  const completed = fields.amount('completed');
  // Before mid-2025 there was no `failed`; every prompt that did not complete had failed.
  const others = requests === null || completed === null || completed > requests ? null : requests - completed;
  return { requests, completed, failed: fields.amount('failed') ?? others };
}

/** Says where the requests and the summary of a file do not agree; verdicts go by the requests. */
export function noteContradiction(fields: Fields, rows: ResultRun['rows'], { completed }: ResultRun['scalars']): void {
  const succeeded = rows.filter(({ ok }) => ok).length;
  if (rows.length > 0 && completed !== null && completed !== undefined && completed !== succeeded)
    fields.note('completed', `is ${completed}, but ${succeeded} of its ${rows.length} requests succeeded`);
}

function originOf(fields: Fields): Origin {
  const concurrency = fields.amount('max_concurrency');
  const requestRate = fields.scalar('request_rate');
  return {
    // The client is vLLM's; which server answered it does not say.
    framework: 'vllm',
    model: modelName(fields.text('model_id')),
    gpu: null,
    image: null,
    knobs: {},
    params: known({
      concurrency,
      request_rate: requestRate,
      num_prompts: fields.amount('num_prompts'),
      burstiness: fields.amount('burstiness'),
      bench_backend: fields.text('backend'),
    }),
    axes: loadAxes({ isl: null, osl: null, concurrency, requestRate }),
  };
}

/** A model by its name where a path into the cache of Hugging Face is given. */
export function modelName(model: string | null): string | null {
  const [, organisation, name] = /models--(.+?)--([^/]+)\/snapshots\//.exec(model ?? '') ?? [];
  return organisation === undefined || name === undefined ? model : `${organisation}/${name}`;
}

/** `YYYYMMDD-HHMMSS` of the clock on the wall where it was written, taken for ours: the zone is not in the file. */
function dateOf(fields: Fields): number | null {
  const date = fields.text('date');
  if (date === null) return null;
  const digits = /^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)$/.exec(date)?.slice(1).map(Number) ?? [];
  const [year = NaN, month = NaN, day = NaN, ...time] = digits;
  const [hour = NaN, minute = NaN, second = NaN] = time;
  const dateMs = new Date(year, month - 1, day, hour, minute, second).getTime();
  if (isPlausibleMoment(dateMs)) return dateMs;
  fields.note('date', `is ${show(date)}, not YYYYMMDD-HHMMSS`);
  return null;
}
