import type { z } from 'zod';
import type { SlurmOptions } from '../config/node-address.ts';
import type { PathStep } from '../config/yaml/yaml-source.ts';
import { isLoopback } from './host.ts';
import {
  commonFactsSchema,
  executorSchema,
  listedHostSchema,
  nodeSchema,
  slurmSchema,
  sshConfigSchema,
} from './pool-schema.ts';
import type { Pool, PoolNode } from './pool.ts';

/** A node and where the cluster file names it. */
export interface PlacedNode {
  readonly path: readonly PathStep[];
  readonly node: PoolNode;
}

/** What a cluster file says as far as it can be understood: a mistake in one place hides no other place. */
export interface PoolDraft {
  /** Null when the file names one that does not exist. */
  readonly executor: Pool['executor'] | null;
  /** Null when the file's cannot be understood. */
  readonly slurm: SlurmOptions | null;
  readonly sshConfig: string | null;
  readonly nodes: readonly PlacedNode[];
}

/** A mapping of YAML or JSON. */
export type Fields = Readonly<Record<string, unknown>>;

/** A cluster file: a list of hosts, or a mapping with `hosts` or `nodes`. */
export type PoolDocument = readonly unknown[] | Fields;

/** Reads what can be read from a cluster file. */
export function draftPool(value: PoolDocument): PoolDraft {
  if (isList(value)) return finish({}, listedNodes(value, {}, []));
  const common = commonFactsSchema.safeParse(value).data ?? {};
  return finish(value, [...namedNodes(value['nodes']), ...listedNodes(value['hosts'], common, ['hosts'])]);
}

/** Whether a value is a list; says so of readonly ones too. */
export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/** Whether a value is a mapping. */
export function isMapping(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !isList(value);
}

function finish({ executor, slurm, ssh_config: sshConfig }: Fields, nodes: readonly PlacedNode[]): PoolDraft {
  const options = slurmSchema.safeParse(slurm ?? {}).data;
  return {
    executor: executor === undefined ? usualExecutor(nodes) : (executorSchema.safeParse(executor).data ?? null),
    sshConfig: sshConfigSchema.safeParse(sshConfig).data ?? null,
    slurm: options === undefined ? null : { partition: null, account: null, ...options },
    nodes,
  };
}

// A port, a user or a key on this machine means an ssh daemon on it, such as that of a container.
function usualExecutor(nodes: readonly PlacedNode[]): 'local' | 'ssh' {
  const isLocal = nodes.every(({ node: { address } }) => isLoopback(address.host) && sshFacts(address).length === 0);
  return isLocal ? 'local' : 'ssh';
}

/** The names of the facts that only ssh has a use for. */
export function sshFacts({ port, user, sshKey }: PoolNode['address']): readonly string[] {
  return Object.entries({ port, user, ssh_key: sshKey }).flatMap(([name, fact]) => (fact === null ? [] : [name]));
}

type Common = z.output<typeof commonFactsSchema>;

function listedNodes(hosts: unknown, common: Common, path: readonly PathStep[]): readonly PlacedNode[] {
  if (!isList(hosts)) return [];
  return hosts.flatMap((entry, index) => {
    const listed = listedHostSchema.safeParse(entry).data;
    if (listed === undefined) return [];
    const { host, port, user } = listed;
    const { gpus = null, labels = null } = common;
    const address = {
      host,
      port: port ?? common.port ?? null,
      user: user ?? common.user ?? null,
      sshKey: common.ssh_key ?? null,
    };
    return [{ path: [...path, index], node: { name: host, address, gpus, labels } }];
  });
}

function namedNodes(nodes: unknown): readonly PlacedNode[] {
  if (!isMapping(nodes)) return [];
  return Object.entries(nodes).flatMap(([name, fields]) => {
    const facts = nodeSchema.safeParse(fields).data;
    if (facts === undefined) return [];
    const { ip = name, port = null, user = null, ssh_key: sshKey = null, gpus = 0, labels = [] } = facts;
    return [{ path: ['nodes', name], node: { name, address: { host: ip, port, user, sshKey }, gpus, labels } }];
  });
}
