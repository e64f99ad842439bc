import type { Cell } from '../../config/cell.ts';
import type { Scalar, WorkloadKind } from '../../config/schema/framework.ts';
import type { TopologyKind } from '../../config/schema/topology.ts';
import type { Manifest } from '../../evidence/manifest.ts';
import type { ProvidedCell } from './provided.ts';

/** A cell as claims see it: what was to be run, whatever became of it. */
export interface ClaimCell {
  /** `<testId>/<cellId>`: unique among the configs of a session. */
  readonly key: string;
  readonly testId: string;
  readonly cellId: string;
  readonly framework: string;
  /** The id of the model. */
  readonly model: string;
  readonly workloadKind: WorkloadKind;
  readonly targetGpu: string;
  /** The image that its roles run in; null where they run on the hosts themselves. */
  readonly image: string | null;
  /** `disagg` where prefill and decode are apart, `distributed` on several nodes or ranks, else `single`. */
  readonly topology: TopologyKind;
  /** The config's params, with the values of this cell's axes. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly knobs: Readonly<Record<string, Scalar>>;
  /** This cell's point of the sweep. */
  readonly axes: Readonly<Record<string, Scalar>>;
  /** The benchmarks that its config asks for. */
  readonly benchmarks: readonly string[];
  /** The tags that all its claims carry. */
  readonly tags: readonly string[];
}

const views = new WeakMap<Cell, ClaimCell>();

/** A planned cell as claims see it. */
export function viewOfCell(cell: Cell): ClaimCell {
  const known = views.get(cell);
  if (known !== undefined) return known;
  const { workload } = cell;
  const view = {
    key: cell.key,
    testId: workload.test_id,
    cellId: cell.cellId,
    framework: workload.framework,
    model: workload.model.id,
    workloadKind: workload.workload_kind,
    targetGpu: workload.target_gpu,
    image: workload.container?.image ?? null,
    topology: cell.topologyKind,
    params: cell.params,
    knobs: workload.knobs,
    axes: cell.axes,
    benchmarks: workload.benchmarks,
    tags: cell.tags.map(({ name }) => name),
  };
  views.set(cell, view);
  return view;
}

/** The cell of a run as claims see it: workers are given little of it, and the manifest, read when need be, has the rest. */
export function viewOfRun(provided: ProvidedCell, run: { readonly manifest: Manifest }): ClaimCell {
  const { key, topology, benchmarks, tags } = provided;
  const [testId = '', cellId = ''] = key.split('/');
  return {
    key,
    testId,
    cellId,
    topology,
    benchmarks,
    tags,
    get framework() {
      return run.manifest.framework;
    },
    get model() {
      return String(run.manifest.model_descriptor['id']);
    },
    get workloadKind() {
      return run.manifest.workload_kind;
    },
    get targetGpu() {
      return run.manifest.target_gpu;
    },
    get image() {
      return run.manifest.container?.image ?? null;
    },
    get params() {
      return run.manifest.params;
    },
    get knobs() {
      return run.manifest.knobs;
    },
    get axes() {
      return run.manifest.axes;
    },
  };
}
