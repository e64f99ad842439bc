import { assignContainer, assignToken, takeSeed } from '../container.ts';
import { nameOf, newDraft } from '../draft.ts';
import { textOf } from '../legacy.ts';
import type { Draft } from '../draft.ts';
import { reportFigures, takeFigures } from '../figures.ts';
import type { JsonPath } from '../legacy.ts';
import { assignBlock, remember } from '../migration.ts';
import type { Migration, ParamMap } from '../migration.ts';
import { assignEnforce, assignModel, degreesIn, gpuOf, gpuOfFile, roleOf } from '../shared.ts';
import type { Made } from '../shared.ts';
import { countOf, plain } from '../coerce.ts';

const PIPELINE: ParamMap = { compile: 'use_torch_compile', ulysses_size: 'ulysses_degree', ring_size: 'ring_degree' };

/** Family d of xDiT: images and videos, with the longest time for each GPU. */
export function migrateXdit(migration: Migration): Made {
  const { legacy } = migration;
  const spec = migration.specs.get('pytorch_xdit');
  const tasks = legacy.fields(['benchmark_params']).map(([task]) => task);
  const known = tasks.filter((task) => pipelineOf(task) !== null);
  if (spec === undefined || known.length < tasks.length) {
    for (const task of tasks) migration.cells.push({ legacy: task, key: null, why: 'no pipeline for it' });
    return {
      state: 'none',
      why: `pytorch_xdit has no pipeline for ${tasks.join(', ')}`,
      todo: 'keep it with the legacy suite',
    };
  }
  const drafts = known.map((task) => {
    const draft = newDraft(spec, known.length > 1 ? nameOf(task) : '');
    assignTask(migration, draft, ['benchmark_params', task]);
    return draft;
  });
  return { state: 'made', drafts };
}

function pipelineOf(task: string): string | null {
  if (/^flux.*t2i/i.test(task)) return 'flux_t2i';
  if (/^wan.*i2v/i.test(task)) return 'wan_i2v';
  return /^wan.*t2v/i.test(task) ? 'wan_t2v' : null;
}

function assignTask(migration: Migration, draft: Draft, at: JsonPath): void {
  const { legacy } = migration;
  const task = textOf(at.at(-1));
  draft.targetGpu = gpuOfFile(legacy.file);
  assignContainer(migration, draft);
  assignModel(migration, draft, ['config', 'model_repo']);
  const revision = legacy.at(['config', 'model_rev']);
  if (typeof revision === 'string' && revision !== '') {
    draft.model = { ...draft.model, revision };
    remember(migration, draft, { from: ['config', 'model_rev'], to: 'model.revision' });
  }
  assignToken(migration, draft);
  draft.params['pipeline'] = pipelineOf(task);
  takeSeed(migration, draft, [...at, 'seed']);
  const names = Object.fromEntries(Object.keys(draft.spec.params.shape).map((name) => [name, name]));
  assignBlock(migration, draft, { at, map: { ...names, ...PIPELINE } });
  assignProcesses(migration, draft, at);
  assignEnforce(migration, draft, [...at, 'enforce_thresholds']);
  draft.cells = [{ legacy: task, when: {} }];
  assignFigures(migration, draft, { results: [...at, 'expected_results'], task });
}

/** The workers: as many GPUs of a node as there were processes. Wan shared heads among all of them unless told otherwise. */
function assignProcesses(migration: Migration, draft: Draft, at: JsonPath): void {
  const { legacy } = migration;
  const nodes = plain(legacy.take(['config', 'nnodes'])) ?? 1;
  const processes = countOf(legacy.at([...at, 'torchrun_nproc']));
  if (processes !== null)
    remember(migration, draft, { from: [...at, 'torchrun_nproc'], to: 'topology.roles.worker.gpus_per_node' });
  if (draft.params['ulysses_degree'] === undefined && processes !== null && typeof nodes === 'number') {
    draft.params['ulysses_degree'] = (processes * nodes) / Number(draft.params['ring_degree'] ?? 1);
  }
  const degrees = degreesIn(draft, ['ulysses_degree', 'ring_degree']);
  draft.topology = { worker: processes === null ? roleOf(nodes, degrees) : { count: nodes, gpus_per_node: processes } };
}

function assignFigures(
  migration: Migration,
  draft: Draft,
  at: { readonly results: JsonPath; readonly task: string },
): void {
  const { legacy } = migration;
  const gpus = legacy.fields(at.results).map(([gpu]) => gpu);
  const own = gpus.find((gpu) => gpuOf(gpu) === draft.targetGpu) ?? gpus.find((gpu) => gpu === 'auto');
  for (const gpu of gpus) {
    const from = { legacy, path: [...at.results, gpu], cell: at.task };
    if (gpu === own) takeFigures(migration, draft, from);
    else {
      const why = `for another GPU than ${draft.targetGpu}`;
      reportFigures(migration, from, { why, todo: `set it in a config with target_gpu: ${gpuOf(gpu)}` });
    }
  }
}
