import { isPlausibleMoment } from './fields.ts';
import type { Fields } from './fields.ts';
import { known, loadAxes } from './result-run.ts';
import type { Origin, ResultRun } from './result-run.ts';
import { inMs, latencyScalars, scalarName, voidWithoutCompleted } from './summary.ts';

/** Reads the three kinds of aggregates of InferenceX: flat in seconds, agentic in seconds, and a baseline in milliseconds. */
export function readInferencex(fields: Fields): ResultRun {
  if (fields.has('request_metrics')) return readAgentic(fields);
  return fields.has('metrics') ? readBaseline(fields) : readFlat(fields);
}

// Its 99th percentile is the slow end, which would read as the fast one; its deviation is one over that of tpot.
const INTERACTIVITY = 'and its kin are one over tpot, taken statistic by statistic: left out, tpot says it';

function readFlat(fields: Fields): ResultRun {
  if (fields.has('mean_intvty')) fields.note('mean_intvty', INTERACTIVITY);
  const perGpu = perGpuScalars(fields, ['tput_per_gpu', 'output_tput_per_gpu', 'input_tput_per_gpu']);
  return resultOf(fields, {
    scalars: { ...wholeOf(fields, perGpu), ...perGpu, ...latencyScalars(fields, 's') },
    durationMs: null,
    endedAtMs: null,
  });
}

function readAgentic(fields: Fields): ResultRun {
  const metrics = fields.child('request_metrics');
  const throughput = metrics.child('throughput');
  const accounting = fields.child('request_accounting');
  const warmups = accounting.amount('records_warmup_dropped');
  if (warmups !== null && warmups > 0)
    accounting.note('records_warmup_dropped', `is ${warmups}: no figure of the file counts these requests`);
  const durationS = throughput.time('duration_seconds');
  const completed = fields.amount('num_requests_successful');
  const latency = metrics.child('latency');
  if (latency.has('intvty')) latency.note('intvty', INTERACTIVITY);
  const figures = {
    throughput_tps: throughput.child('output').amount('tokens_per_second'),
    total_token_throughput_tps: throughput.child('total').amount('tokens_per_second'),
    input_throughput_tps: throughput.child('input').amount('tokens_per_second'),
    request_throughput_rps: completed === null || durationS === null ? null : completed / durationS,
    ...perGpuScalars(throughput.child('per_gpu'), ['total_tput_tps', 'output_tput_tps', 'input_tput_tps']),
    ...nestedLatencies(latency),
  };
  return resultOf(fields, {
    // Of how many of the measured requests failed the file says nothing: the errors it counts may be warm-ups.
    scalars: voidWithoutCompleted(figures, { completed, warmup_requests: warmups }),
    durationMs: inMs(durationS, 's'),
    endedAtMs: null,
  });
}

function readBaseline(fields: Fields): ResultRun {
  const metrics = fields.child('metrics');
  const gpu = fields.child('gpu');
  const figures = {
    throughput_tps: metrics.amount('output_token_throughput'),
    request_throughput_rps: metrics.amount('request_throughput'),
    total_token_throughput_tps: metrics.amount('total_token_throughput'),
    ...latencyScalars(metrics, 'ms'),
    mean_power_per_gpu_w: gpu.time('mean_power_per_gpu_w'),
    total_avg_power_w: gpu.time('total_avg_power_w'),
    peak_power_per_gpu_w: gpu.time('peak_power_per_gpu_w'),
    tokens_per_kw: gpu.time('tokens_per_kw'),
  };
  const endedAtMs = Date.parse(fields.text('ts') ?? '');
  return resultOf(fields, {
    scalars: voidWithoutCompleted(figures, { completed: metrics.amount('successful_requests') }),
    durationMs: null,
    endedAtMs: isPlausibleMoment(endedAtMs) ? endedAtMs : null,
  });
}

function resultOf(fields: Fields, found: Pick<ResultRun, 'scalars' | 'durationMs' | 'endedAtMs'>): ResultRun {
  // What the origin notes must be in the list.
  const origin = originOf(fields);
  return { origin, versions: {}, ...found, rows: [], startedAtMs: null, dropped: fields.notes.list() };
}

const PER_GPU = [
  'total_token_throughput_per_gpu_tps',
  'throughput_per_gpu_tps',
  'input_throughput_per_gpu_tps',
] as const;

/** The throughputs per GPU (all tokens, output, input) by our names. */
function perGpuScalars(fields: Fields, names: readonly [string, string, string]): ResultRun['scalars'] {
  return Object.fromEntries(PER_GPU.map((name, index) => [name, fields.amount(names[index] ?? '')]));
}

/** The throughput of all GPUs, which the file divides by their number: known where one engine has `tp` of them. */
function wholeOf(fields: Fields, perGpu: ResultRun['scalars']): ResultRun['scalars'] {
  const gpus = fields.time('tp');
  const isOneEngine =
    fields.value('disagg') === false &&
    fields.value('is_multinode') === false &&
    ['pp', 'pcp_size'].every((name) => (fields.amount(name) ?? 1) === 1);
  if (gpus === null || !isOneEngine) {
    fields.note('output_tput_per_gpu', 'is per GPU, and the file does not say of how many: there is no throughput');
    return {};
  }
  const whole = (name: (typeof PER_GPU)[number]): number | null => {
    const share = perGpu[name] ?? null;
    return share === null ? null : share * gpus;
  };
  return { throughput_tps: whole(PER_GPU[1]), total_token_throughput_tps: whole(PER_GPU[0]) };
}

function nestedLatencies(latency: Fields): ResultRun['scalars'] {
  const entries = ['ttft', 'tpot', 'itl', 'e2el'].flatMap((metric) => {
    const summary = latency.child(metric);
    const statistics = Object.keys(summary.record).filter((name) => /^(?:mean|std|p\d+(?:\.\d+)?)$/.test(name));
    return statistics.map((name) => [scalarName(metric, name), inMs(summary.time(name), 's')] as const);
  });
  return Object.fromEntries(entries);
}

function originOf(fields: Fields): Origin {
  const [isl, osl, concurrency] = [fields.amount('isl'), fields.amount('osl'), fields.amount('conc')];
  return {
    framework: fields.text('framework'),
    model: fields.text('model'),
    gpu: fields.text('hw'),
    image: fields.text('image'),
    knobs: known({ quant: fields.text('precision'), spec_decoding: fields.text('spec_decoding') }),
    params: known({
      concurrency,
      isl,
      osl,
      tensor_parallelism: fields.amount('tp'),
      pipeline_parallelism: fields.amount('pp'),
      expert_parallelism: fields.amount('ep'),
      dp_attention: fields.scalar('dp_attention'),
      disagg: fields.scalar('disagg'),
      is_multinode: fields.scalar('is_multinode'),
      scenario_type: fields.scalar('scenario_type'),
      kv_offloading: fields.scalar('kv_offloading'),
    }),
    axes: loadAxes({ isl, osl, concurrency, requestRate: null }),
  };
}
