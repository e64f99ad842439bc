import { assignContainer, assignNetwork, assignToken, setVariable } from '../container.ts';
import { isOpen, nameOf, newDraft } from '../draft.ts';
import type { Draft } from '../draft.ts';
import { reportFigures, takeFigures } from '../figures.ts';
import { fieldsOf, textOf } from '../legacy.ts';
import type { JsonPath } from '../legacy.ts';
import { assignBlock, assignFlag, assignParam, say } from '../migration.ts';
import type { Migration, ParamMap } from '../migration.ts';
import { assignEnforce, assignModel, degreesIn, figureCells, gpuOfFile, pairsIn, roleOf } from '../shared.ts';
import type { Made } from '../shared.ts';
import { assignRunFigures, assignRuns } from './serving-cells.ts';
import type { Combo, Run } from './serving-cells.ts';

/** The servers and the router, as the legacy suite calls their settings. */
const SERVERS: ParamMap = {
  prefill_policy: 'prefill_policy',
  decode_policy: 'decode_policy',
  tensor_parallelism: 'tensor_parallelism',
  pipeline_parallelism: 'pipeline_parallelism',
  memory_fraction: 'mem_fraction_static',
  tokenizer_mode: 'tokenizer_mode',
  context_length: 'max_model_length',
  backend: 'bench_backend',
};
const CONFIG: ParamMap = {
  log_level: 'log_level',
  prefill_serv_port: 'prefill_port',
  decode_serv_port: 'decode_port',
  proxy_router_serv_port: 'router_port',
  prefill_coordinator_port: 'prefill_dist_init_port',
  decode_coordinator_port: 'decode_dist_init_port',
  nccl_ib_hca_list: 'disaggregation_ib_device',
  max_concurrent_requests: 'max_concurrent_requests',
  queue_size: 'queue_size',
  queue_timeout_secs: 'queue_timeout_secs',
};
/** What the load client sends, by the test that it is. */
const LOADS: Readonly<Record<string, ParamMap>> = {
  bench_serv_random: {
    data_set_name: 'dataset_name',
    num_prompts: 'num_prompts',
    input_length: 'isl',
    output_length: 'osl',
    random_range_ratio: 'random_range_ratio',
    max_concurrency: 'concurrency',
  },
  bench_serv_generated_shared_prefix: {
    gsp_num_groups: 'gsp_num_groups',
    gsp_prompts_per_group: 'gsp_prompts_per_group',
    gsp_system_prompt_len: 'gsp_system_prompt_len',
    gsp_question_len: 'gsp_question_len',
    gsp_output_len: 'gsp_output_len',
    max_concurrency: 'concurrency',
  },
};

/** Family d of SGLang: a config for each model and load; the cells of the random load come from the thresholds. */
export function migrateSglang(migration: Migration): Made {
  const { legacy } = migration;
  const models = activeModels(migration);
  const spec = migration.specs.get('sglang_disagg');
  const isDisagg = Array.isArray(legacy.at(['config', 'prefill_node_list']));
  if (spec === undefined || !isDisagg) {
    for (const one of migration.thresholds === null ? [] : figureCells(migration.thresholds)) {
      if (one.cell.startsWith('ISL='))
        migration.cells.push({ legacy: one.cell, key: null, why: 'prefill and decode are not apart' });
    }
    return {
      state: 'none',
      why: 'plain SGLang servers: there is an adapter for prefill and decode apart only',
      todo: 'keep it with the legacy suite, or serve it apart with sglang_disagg',
    };
  }
  const drafts = models.flatMap((model) => {
    const tests = legacy.fields(['benchmark_params', model, 'inference_tests']).map(([name]) => name);
    const loads = tests.filter((name) => Object.hasOwn(LOADS, name));
    return loads.map((load) => {
      const draft = newDraft(
        spec,
        [...(models.length > 1 ? [model] : []), ...(loads.length > 1 ? [load] : [])].map(nameOf).join('_'),
      );
      assignLoad(migration, draft, { model, load });
      return draft;
    });
  });
  for (const model of models) reportTests(migration, ['benchmark_params', model, 'inference_tests']);
  return { state: 'made', drafts };
}

/** The model that runs; without a choice all of them. */
function activeModels(migration: Migration): readonly string[] {
  const { legacy } = migration;
  const models = legacy.fields(['benchmark_params']).map(([model]) => model);
  const active = legacy.take(['active_benchmark']);
  if (typeof active !== 'string' || !models.includes(active)) return models;
  for (const model of models.filter((one) => one !== active)) {
    const why = `active_benchmark is ${active}: it is not enabled here either`;
    say(migration, 'not_carried', {
      path: ['benchmark_params', model],
      why,
      todo: 'set active_benchmark to migrate it',
    });
  }
  return [active];
}

interface Load {
  readonly model: string;
  readonly load: string;
}

function assignLoad(migration: Migration, draft: Draft, { model, load }: Load): void {
  const { legacy } = migration;
  const at = ['benchmark_params', model];
  const test = [...at, 'inference_tests', load];
  draft.targetGpu = gpuOfFile(legacy.file);
  assignContainer(migration, draft);
  assignModel(migration, draft, [...at, 'model']);
  assignToken(migration, draft);
  assignNetwork(migration, draft, { block: ['config'], isOneNode: false });
  assignBlock(migration, draft, { at: ['config'], map: CONFIG });
  assignBlock(migration, draft, { at, map: SERVERS });
  takeLists(migration, draft, at);
  assignRoles(migration, draft);
  if (legacy.at([...at, 'max_concurrency']) !== undefined) {
    assignParam(migration, draft, { from: [...at, 'max_concurrency'], to: 'concurrency' });
  }
  assignBlock(migration, draft, { at: test, map: LOADS[load] ?? {} });
  if (load !== 'bench_serv_random') draft.params['dataset_name'] = 'generated-shared-prefix';
  legacy.take([...test, 'backend']);
  assignEnforce(migration, draft, [...test, 'enforce_thresholds']);
  assignCells(migration, draft, { model, load });
}

// Threshold files name the cells of the random load; without one it has the cell that the config itself says.
function assignCells(migration: Migration, draft: Draft, { model, load }: Load): void {
  const { legacy, thresholds } = migration;
  const runs =
    load === 'bench_serv_random' && thresholds !== null ? runsIn(figureCells(thresholds).map(({ cell }) => cell)) : [];
  legacy.take(['benchmark_params', model, 'threshold_file']);
  if (runs.length > 0) {
    for (const swept of ['isl', 'osl', 'concurrency']) delete draft.params[swept];
    assignRuns(draft, runs);
    assignRunFigures(migration, draft);
    return;
  }
  const cell = `${model}/${load}`;
  // Two loads of one model are two cells, and need two names.
  const { dataset_name: dataset = 'random', ...params } = draft.params;
  draft.params = params;
  draft.sweep = { load: [{ dataset_name: dataset, name: nameOf(load) }] };
  draft.cells = [{ legacy: cell, when: { load: nameOf(load) } }];
  const results = ['benchmark_params', model, 'inference_tests', load, 'expected_results'];
  for (const [gpu] of legacy.fields(results)) {
    takeFigures(migration, draft, { legacy, path: [...results, gpu], cell });
  }
}

function runsIn(keys: readonly string[]): readonly Run[] {
  const combos = new Map<string, Combo>();
  return keys.flatMap((key) => {
    const { ISL: isl, OSL: osl, CONC: concurrency } = pairsIn(key);
    if (isl === undefined || osl === undefined || concurrency === undefined) return [];
    const name = `isl${isl}_osl${osl}`;
    const combo = combos.get(name) ?? { name, isl, osl };
    combos.set(name, combo);
    return [{ combo, concurrency }];
  });
}

function takeLists(migration: Migration, draft: Draft, at: JsonPath): void {
  const { legacy } = migration;
  for (const [index, entry] of listAt(migration, [...at, 'add_export_env'])) {
    const [, name, value] = /^(?:export\s+)?([A-Za-z_]\w*)=(.*)$/.exec(entry) ?? [];
    const from = [...at, 'add_export_env', index];
    if (name !== undefined) setVariable(migration, draft, { name, value, from });
  }
  for (const [index, entry] of listAt(migration, [...at, 'add_flags'])) {
    const from = [...at, 'add_flags', index];
    const flags = [...entry.matchAll(/--([\w-]+)(?:[ =](?!--)(\S+))?/g)];
    const isTaken = flags.map(([, name = '', value]) =>
      assignFlag(migration, draft, { name, value: value ?? true, from, into: 'serve_args' }),
    );
    if (isTaken.length > 0 && isTaken.every(Boolean)) legacy.take(from);
  }
}

function listAt({ legacy }: Migration, path: JsonPath): readonly (readonly [index: number, entry: string])[] {
  const list = legacy.at(path);
  return (Array.isArray(list) ? list : []).map((entry, index) => [index, textOf(entry)] as const);
}

/** The roles: as many nodes as the lists name; the names themselves belong into the cluster file. */
function assignRoles(migration: Migration, draft: Draft): void {
  const { legacy } = migration;
  const gpus = degreesIn(draft, ['tensor_parallelism', 'pipeline_parallelism']);
  const countIn = (field: string): number => listAt(migration, ['config', field]).length;
  draft.topology = {
    prefill: roleOf(countIn('prefill_node_list'), gpus),
    decode: roleOf(countIn('decode_node_list'), gpus),
    ...(legacy.at(['config', 'proxy_router_node']) === undefined ? {} : { router: { count: 1 } }),
    ...(legacy.at(['config', 'benchmark_serv_node']) === undefined ? {} : { bench: { count: 1 } }),
  };
  for (const field of ['prefill_node_list', 'decode_node_list', 'proxy_router_node', 'benchmark_serv_node']) {
    const path = ['config', field];
    if (legacy.at(path) === undefined) continue;
    const why = 'hosts are counted here, not named: the binder chooses them';
    say(migration, 'changed', { path, why, todo: 'name the nodes in the cluster file' });
  }
}

/** The tests that no adapter runs: accuracy tasks. */
function reportTests(migration: Migration, at: JsonPath): void {
  const { legacy } = migration;
  for (const [name, test] of legacy.fields(at).filter(([one]) => !Object.hasOwn(LOADS, one))) {
    const reason = { why: `${name} is an accuracy task, and none runs here`, todo: 'run the task by itself' };
    const results = [...at, name, 'expected_results'];
    for (const [gpu, figures] of Object.entries(fieldsOf(fieldsOf(test)['expected_results']))) {
      if (isOpen(figures)) continue;
      reportFigures(migration, { legacy, path: [...results, gpu], cell: name }, reason);
    }
    say(migration, 'not_carried', { path: [...at, name], ...reason });
  }
}
