import { plain } from '../coerce.ts';
import { assignContainer, assignEnvironment, assignToken, takeSeed } from '../container.ts';
import { newDraft } from '../draft.ts';
import type { Draft } from '../draft.ts';
import { fieldsOf, textOf } from '../legacy.ts';
import type { JsonPath } from '../legacy.ts';
import { assignBlock, assignFlags, remember, say } from '../migration.ts';
import type { Migration, ParamMap } from '../migration.ts';
import { assignEnforce, assignGpu, assignModel, degreesIn, roleOf } from '../shared.ts';
import type { Made } from '../shared.ts';
import { assignRunFigures, assignRuns, hasDegree, keyOfRun } from './serving-cells.ts';
import type { Combo, Run } from './serving-cells.ts';

/** The load client and the server of vLLM and InferenceMAX, as the legacy suites call their settings. */
export const SERVING: ParamMap = {
  backend: 'bench_backend',
  port_no: 'port',
  dataset_name: 'dataset_name',
  burstiness: 'burstiness',
  request_rate: 'request_rate',
  random_range_ratio: 'random_range_ratio',
  random_prefix_len: 'random_prefix_len',
  tensor_parallelism: 'tensor_parallelism',
  pipeline_parallel_size: 'pipeline_parallelism',
  pipeline_parallelism: 'pipeline_parallelism',
  data_parallel_size: 'data_parallelism',
  expert_parallelism: 'expert_parallelism',
  master_port: 'master_port',
  tokenizer_mode: 'tokenizer_mode',
  percentile_metrics: 'percentile_metrics',
  // A typo that was shipped.
  percentiles_metrics: 'percentile_metrics',
  metric_percentiles: 'metric_percentiles',
  num_prompts: 'num_prompts',
  num_warmups: 'num_warmups',
  max_model_length: 'max_model_length',
  server_script: 'server_script',
};

const PARAMS: JsonPath = ['params'];

/** Family a: `params`, `roles` and a `sweep` with a run list. */
export function migrateServing(migration: Migration): Made {
  const { legacy } = migration;
  const framework = legacy.take(['framework']);
  const runs = runsOf(migration);
  const spec = framework === 'vllm' ? migration.specs.get('vllm') : undefined;
  if (spec === undefined) {
    for (const run of runs)
      migration.cells.push({ legacy: keyOfRun(run), key: null, why: `no adapter for ${textOf(framework)}` });
    return {
      state: 'none',
      why: `there is no adapter for ${textOf(framework)}`,
      todo: 'keep it with the legacy suite, or write an adapter (docs/architecture.md)',
    };
  }
  const draft = newDraft(spec);
  legacy.take(['schema_version']);
  assignGpu(migration, draft, ['gpu_arch']);
  assignContainer(migration, draft);
  assignModel(migration, draft, ['model', 'id']);
  takePrecision(migration, draft);
  assignToken(migration, draft);
  assignBlock(migration, draft, { at: PARAMS, map: SERVING });
  assignFlags(migration, draft, { at: ['roles', 'server', 'serve_args'], into: 'serve_args' });
  assignFlags(migration, draft, { at: ['params', 'bench_args'], into: 'bench_args' });
  assignEnvironment(migration, draft, ['roles', 'server', 'env']);
  takeSeed(migration, draft, ['params', 'seed']);
  takeReuse(migration, draft);
  assignNodes(migration, draft, ['params', 'nnodes']);
  assignRuns(draft, runs);
  assignEnforce(migration, draft, ['enforce_thresholds']);
  assignRunFigures(migration, draft, (key) => hasDegree(draft, key));
  return { state: 'made', drafts: [draft] };
}

function takePrecision(migration: Migration, draft: Draft): void {
  const precision = migration.legacy.at(['model', 'precision']);
  if (typeof precision !== 'string') return;
  draft.model = { ...draft.model, precision };
  remember(migration, draft, { from: ['model', 'precision'], to: 'model.precision' });
}

function takeReuse(migration: Migration, draft: Draft): void {
  const from = ['params', 'reuse_server_across_sweep'];
  const written = plain(migration.legacy.at(from));
  if (typeof written !== 'boolean') return;
  draft.reuseServer = written;
  remember(migration, draft, { from, to: 'reuse_server' });
}

/** The role of the server: its nodes, and of each the GPUs that its degrees of parallelism take. */
export function assignNodes(migration: Migration, draft: Draft, from: JsonPath): void {
  const nodes = migration.legacy.at(from) ?? 1;
  remember(migration, draft, { from, to: 'topology.roles.server.count' });
  const gpus = degreesIn(draft, ['tensor_parallelism', 'pipeline_parallelism', 'data_parallelism']);
  draft.topology = { server: roleOf(nodes, gpus) };
}

function runsOf(migration: Migration): readonly Run[] {
  const { legacy } = migration;
  const combos = combosOf(legacy.at(['sweep', 'sequence_combinations']));
  const runs = legacy.at(['sweep', 'runs']);
  const used = new Set<Combo>();
  const list = (Array.isArray(runs) ? runs : []).flatMap((run, index): readonly Run[] => {
    const { combo: name, concurrency } = fieldsOf(run);
    const combo = combos.find((one) => one.name === name);
    if (combo === undefined) {
      const path = ['sweep', 'runs', index];
      say(migration, 'not_carried', {
        path,
        why: `there is no combination ${textOf(name)}`,
        todo: 'add the cell by hand',
      });
      return [];
    }
    used.add(combo);
    legacy.take(['sweep', 'runs', index]);
    return [{ combo, concurrency }];
  });
  noteIdle(migration, combos, used);
  return list;
}

/** The combinations that a config declares. */
export function combosOf(written: unknown): readonly Combo[] {
  return (Array.isArray(written) ? written : []).map((one, index) => {
    const { name, isl, osl } = fieldsOf(one);
    return { name: textOf(name ?? `combination_${index + 1}`), isl, osl };
  });
}

function noteIdle(migration: Migration, combos: readonly Combo[], used: ReadonlySet<Combo>): void {
  for (const [index, combo] of combos.entries()) {
    const path = ['sweep', 'sequence_combinations', index];
    if (used.has(combo)) {
      noteBounds(migration, [...path, 'goodput_slo']);
      for (const field of ['name', 'isl', 'osl']) migration.legacy.take([...path, field]);
      continue;
    }
    const why = 'declared, but not in the run list: it is not enabled here either';
    say(migration, 'not_carried', { path, why, todo: 'add it to the sweep to run it' });
  }
}

function noteBounds(migration: Migration, path: JsonPath): void {
  const bounds = migration.legacy.fields(path).map(([, value]) => plain(value));
  if (bounds.length === 0) return;
  const isIdle = bounds.every((bound) => typeof bound === 'number' && bound >= 1e6);
  say(migration, 'not_carried', {
    path,
    why: isIdle
      ? 'no request takes that long: it bounds nothing'
      : 'a Goodput needs a min_qps too, which the file lacks',
    todo: isIdle ? '' : 'set a Goodput with its bounds and min_qps',
  });
}
