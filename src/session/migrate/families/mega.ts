import { assignContainer, assignNetwork, assignToken, takeSeed } from '../container.ts';
import { plain } from '../coerce.ts';
import { isOpen, nameOf, newDraft } from '../draft.ts';
import type { Draft } from '../draft.ts';
import { reportFigures, takeFigures } from '../figures.ts';
import { fieldsOf, textOf } from '../legacy.ts';
import type { JsonPath } from '../legacy.ts';
import { assignBlock, assignParam, say } from '../migration.ts';
import type { Migration } from '../migration.ts';
import { assignEnforce, assignModel, degreesIn, gpuOfFile, pairsIn, roleOf } from '../shared.ts';
import type { Made } from '../shared.ts';
import { assignNodes, combosOf, SERVING } from './serving.ts';
import { assignRuns, hasDegree, keyOfRun, NOT_LISTED, OTHER_DEGREE } from './serving-cells.ts';
import type { Run } from './serving-cells.ts';

/** Family f, and its forerunner with one cell: `benchmark_params` with a `result_dict` for each model. */
export function migrateMega(migration: Migration): Made {
  const { legacy } = migration;
  const isInferencemax = legacy.at(['config', 'inferencemax_repo']) !== undefined || /inferencemax/i.test(legacy.file);
  const spec = migration.specs.get(isInferencemax ? 'inferencemax' : 'vllm');
  if (spec === undefined)
    return { state: 'none', why: 'there is no adapter for it', todo: 'keep it with the legacy suite' };
  const models = legacy.fields(['benchmark_params']).map(([model]) => model);
  const drafts = models.map((model) => {
    const draft = newDraft(spec, models.length > 1 ? nameOf(model) : '');
    assignModelConfig(migration, draft, ['benchmark_params', model]);
    return draft;
  });
  return { state: 'made', drafts };
}

function assignModelConfig(migration: Migration, draft: Draft, at: JsonPath): void {
  draft.targetGpu = gpuOfFile(migration.legacy.file);
  assignContainer(migration, draft, [...at, 'container_image']);
  assignModel(migration, draft, [...at, 'model']);
  assignToken(migration, draft);
  assignBlock(migration, draft, { at, map: SERVING });
  if (draft.spec.name === 'inferencemax') {
    assignParam(migration, draft, { from: ['config', 'inferencemax_repo'], to: 'inferencemax_repo' });
  }
  takeSeed(migration, draft, [...at, 'seed']);
  assignServer(migration, draft);
  assignEnforce(migration, draft, [...at, 'enforce_thresholds']);
  if (migration.legacy.at([...at, 'sequence_combinations']) === undefined) assignSingle(migration, draft, at);
  else assignSweep(migration, draft, at);
}

function assignServer(migration: Migration, draft: Draft): void {
  const path = ['config', 'nnodes'];
  assignNetwork(migration, draft, { block: ['config'], isOneNode: true });
  if (draft.spec.name !== 'inferencemax') return assignNodes(migration, draft, path);
  draft.topology = { server: roleOf(1, degreesIn(draft, ['tensor_parallelism'])) };
  if (plain(migration.legacy.at(path)) === 1) migration.legacy.take(path);
  else {
    say(migration, 'changed', {
      path,
      why: 'a recipe runs on one node: the legacy suite repeated it on each',
      todo: 'list the nodes in the cluster file',
    });
  }
}

function assignSingle(migration: Migration, draft: Draft, at: JsonPath): void {
  const one = { isl: 'input_sequence_length', osl: 'output_sequence_length', concurrency: 'max_concurrency' };
  for (const [to, from] of Object.entries(one)) {
    if (migration.legacy.at([...at, from]) !== undefined) assignParam(migration, draft, { from: [...at, from], to });
  }
  const legacy = textOf(at.at(-1));
  draft.cells = [{ legacy, when: {} }];
  takeFigures(migration, draft, { legacy: migration.legacy, path: [...at, 'result_dict'], cell: legacy });
}

function assignSweep(migration: Migration, draft: Draft, at: JsonPath): void {
  const { legacy } = migration;
  const combos = combosOf(legacy.take([...at, 'sequence_combinations']));
  const levels = legacy.take([...at, 'concurrency_levels']);
  const concurrencies: readonly unknown[] = Array.isArray(levels) ? levels : [levels];
  const runs = combos.flatMap((combo) => concurrencies.map((concurrency): Run => ({ combo, concurrency })));
  const model = textOf(at.at(-1));
  assignRuns(draft, runs, model);
  const results = [...at, 'result_dict'];
  for (const [key, figures] of legacy.fields(results)) {
    const { ISL, OSL, CONC } = pairsIn(key);
    const run = runs.find((one) => keyOfRun(one) === `ISL=${ISL},OSL=${OSL},CONC=${CONC}`);
    const path = [...results, key];
    const isFit = hasDegree(draft, key);
    if (run !== undefined && isFit) takeFigures(migration, draft, { legacy, path, cell: keyOfRun(run, model) });
    else if (isOpen(figures) || Object.keys(fieldsOf(figures)).length > 0) {
      reportFigures(migration, { legacy, path, cell: `${model}: ${key}` }, isFit ? NOT_LISTED : OTHER_DEGREE);
    }
  }
}
