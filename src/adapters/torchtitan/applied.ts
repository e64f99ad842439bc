import type { WorkloadResult } from '../../lifecycle/adapter.ts';
import type { TorchtitanParams } from './params.ts';
import type { Startup } from './startup-lines.ts';

/** What was asked of torchtitan, and what it says is in force: null where it does not say. */
export function appliedOf(params: TorchtitanParams, startup: Startup): WorkloadResult['applied'] {
  const { batch, mesh } = startup;
  return {
    parallelism: { asked: describeMesh(meshOf(params)), applied: mesh === null ? null : describeMesh(mesh) },
    local_batch_size: { asked: params.local_batch_size, applied: batch?.local ?? null },
    seq_len: { asked: params.seq_len, applied: batch?.seqLen ?? null },
    steps: { asked: params.steps, applied: batch?.steps ?? null },
    ...appliedOptions(params, startup),
  };
}

/** What torchtitan says when it does it, and nothing when it does not: that counts once it has said what it trains on. */
function appliedOptions(params: TorchtitanParams, startup: Startup): WorkloadResult['applied'] {
  const isSaid = startup.batch !== null;
  const { compile, float8, activation_checkpoint: checkpoint } = params;
  return {
    compile: { asked: compile, applied: isSaid ? startup.isCompiled : null },
    ...(float8 === undefined ? {} : { float8: { asked: float8, applied: isSaid ? (startup.float8 ?? 'none') : null } }),
    ...(checkpoint === undefined
      ? {}
      : { activation_checkpoint: { asked: checkpoint, applied: startup.activationCheckpoint } }),
  };
}

function meshOf(params: TorchtitanParams): Readonly<Record<string, number>> {
  return {
    pp: params.pipeline_parallel_degree,
    dp_replicate: params.data_parallel_replicate_degree,
    dp_shard: params.data_parallel_shard_degree,
    cp: params.context_parallel_degree,
    tp: params.tensor_parallel_degree,
    ep: params.expert_parallel_degree,
  };
}

function describeMesh(mesh: Readonly<Record<string, number>>): string {
  return Object.entries(mesh)
    .map(([axis, size]) => `${axis}=${size}`)
    .join(' ');
}
