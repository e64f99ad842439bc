import { detailRows } from './detail-rows.ts';
import { Fields, isRecord } from './fields.ts';
import { known, loadAxes } from './result-run.ts';
import type { Origin, ResultRun } from './result-run.ts';
import { inMs, latencyScalars, voidWithoutCompleted } from './summary.ts';
import { modelName, noteContradiction } from './vllm-bench.ts';

/** Reads one line of what SGLang's `bench_serving` appends: a summary in milliseconds, details in seconds. */
export function readSglangBench(fields: Fields): ResultRun {
  const rows = detailRows(fields);
  // Neither how many were sent nor how many failed is in the file.
  const counts = { completed: fields.amount('completed') };
  noteContradiction(fields, rows, counts);
  const figures = {
    throughput_tps: fields.amount('output_throughput'),
    request_throughput_rps: fields.amount('request_throughput'),
    total_token_throughput_tps: fields.amount('total_throughput'),
    input_throughput_tps: fields.amount('input_throughput'),
    concurrency_achieved: fields.time('concurrency'),
    accept_length: fields.time('accept_length'),
    total_input_tokens: fields.amount('total_input_tokens'),
    total_output_tokens: fields.amount('total_output_tokens'),
    ...latencyScalars(fields, 'ms'),
  };
  return {
    origin: originOf(fields),
    versions: versionsOf(fields),
    scalars: voidWithoutCompleted(figures, counts),
    rows,
    durationMs: inMs(fields.time('duration'), 's'),
    startedAtMs: null,
    endedAtMs: null,
    dropped: fields.notes.list(),
  };
}

function originOf(fields: Fields): Origin {
  const dataset = fields.text('dataset_name');
  // The lengths are options with defaults: they are in every file, and in force for generated prompts alone.
  const isGenerated = dataset?.startsWith('random') === true;
  const [isl, osl] = isGenerated
    ? [fields.amount('random_input_len'), fields.amount('random_output_len')]
    : [null, null];
  const concurrency = fields.amount('max_concurrency');
  const requestRate = fields.scalar('request_rate');
  const server = serverOf(fields);
  const model = server?.text('model_path') ?? server?.text('served_model_name') ?? null;
  return {
    framework: 'sglang',
    model: modelName(model),
    gpu: null,
    image: null,
    knobs: {},
    params: known({
      concurrency,
      request_rate: requestRate,
      isl,
      osl,
      dataset_name: dataset,
      random_range_ratio: isGenerated ? fields.amount('random_range_ratio') : null,
      tensor_parallelism: server?.amount('tp_size') ?? null,
      tag: fields.text('tag'),
    }),
    axes: loadAxes({ isl, osl, concurrency, requestRate }),
  };
}

function versionsOf(fields: Fields): ResultRun['versions'] {
  const version = serverOf(fields)?.value('version');
  return typeof version === 'string' ? { sglang: version } : {};
}

/** What the server said of itself: flat, or of several servers in lists; null where it was not asked. */
function serverOf(fields: Fields): Fields | null {
  const info = fields.value('server_info');
  if (!isRecord(info)) return null;
  const server = fields.child('server_info');
  if (server.has('model_path')) return server;
  for (const role of ['prefill', 'decode', 'internal_states']) {
    const [first]: readonly unknown[] = server.list(role) ?? [];
    if (isRecord(first) && 'model_path' in first)
      return new Fields(first, { where: server.at(`${role}[0]`), path: '' }, fields.notes);
  }
  return null;
}
