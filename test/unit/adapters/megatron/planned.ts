import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plan } from '../../../../src/adapters/megatron/launch.ts';
import type { Command } from '../../../../src/exec/executor.ts';
import type { RunRequest } from '../../../../src/lifecycle/adapter.ts';
import { planSession } from '../../../../src/session/plan.ts';
import { frameworks } from '../../../../src/session/registry.ts';
import { sessionOptions } from '../../session-options.ts';
import { startPlanned } from '../../started-run.ts';

/** What a config asks for, besides what all of them do. */
export interface Asked {
  readonly params?: Readonly<Record<string, unknown>>;
  /** Further fields of the config. */
  readonly more?: Readonly<Record<string, unknown>>;
  readonly nodes?: number;
  readonly gpu?: string;
}

/** The request of a config of megatron, on as many nodes of eight GPUs. */
export function requestOf({ params = {}, more = {}, nodes = 1, gpu = 'mi300x' }: Asked): RunRequest {
  const root = mkdtempSync(join(tmpdir(), 'assay-launch-'));
  const config = {
    schema_version: '2',
    test_id: 'planned',
    target_gpu: gpu,
    framework: 'megatron',
    workload_kind: 'training',
    topology: { roles: { worker: { count: nodes, gpus_per_node: 8 } } },
    model: 'llama-3.1-8b',
    params: { model_size: 8, ...params },
    ...more,
  };
  const cluster = {
    executor: 'ssh',
    gpus: 8,
    hosts: Array.from({ length: nodes }, (_, index) => `10.0.0.${index + 1}`),
  };
  writeFileSync(join(root, 'planned.yaml'), JSON.stringify(config));
  writeFileSync(join(root, 'cluster.json'), JSON.stringify(cluster));
  const session = planSession(sessionOptions({ root, configs: ['planned.yaml'], cluster: 'cluster.json' }), frameworks);
  return startPlanned(session.cells[0]!, session);
}

/** The commands on the nodes, in their order. */
export function commandsOf(asked: Asked): readonly Command[] {
  const request = requestOf(asked);
  const [worker] = plan(request).workers;
  const addressOf = (host: string): string => `${host}.test`;
  return (request.hosts['worker'] ?? []).map((host, index) =>
    worker!.command({ host, index, address: addressOf(host), addressOf, ready: [] }),
  );
}
