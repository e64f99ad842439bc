import { execa } from 'execa';
import { expect } from 'vitest';
import type { HostsSpec } from '../../src/exec/hosts.ts';
import { endLeftovers } from '../../src/exec/leftovers.ts';
import { findMarked } from '../../src/exec/local.ts';
import { CLIENT_LABEL, RUN_LABEL } from '../../src/exec/run-label.ts';
import { dockerMissing, startDocker } from './docker-engine.ts';
import { importImage } from './image.ts';
import { slurmMissing, startSlurmCluster } from './slurm-cluster.ts';
import type { SlurmCluster } from './slurm-cluster.ts';
import { sshMissing, startSshHosts } from './ssh-hosts.ts';
import type { SshTestHosts } from './ssh-hosts.ts';

/** Where runs of a table happen. */
export interface OpenEngine {
  readonly on: Pick<HostsSpec, 'reach' | 'nodes' | 'container'>;
  /** Everything that carries the label of a run: processes of any host, containers, jobs in a queue. */
  readonly left: (runId: string) => Promise<readonly unknown[]>;
  /** Mends what a row broke, and lets a later session clean up behind it. */
  readonly recover?: (on: HostsSpec, runId: string) => Promise<void>;
  readonly ssh?: SshTestHosts;
  readonly slurm?: SlurmCluster;
  readonly close: () => Promise<void>;
}

/** An engine that a machine may lack. */
export interface Engine {
  readonly name: string;
  /** Why it cannot be started here; null when it can. */
  readonly missing: string | null;
  readonly open: () => Promise<OpenEngine>;
}

// The hosts of all engines are this machine: its own search finds the processes of each.
async function processesHere(runId: string): Promise<readonly unknown[]> {
  const found = await Promise.all([RUN_LABEL, CLIENT_LABEL].map((label) => findMarked(label, runId)));
  return found.flatMap((processes) => processes ?? []);
}

const LOCALHOST = {
  name: 'localhost',
  address: { host: 'localhost', port: null, user: null, sshKey: null },
  gpus: 0,
};

const IMAGE = 'assay-test:1';

/** This machine, and every engine that can be started on it. */
export async function engines(): Promise<Readonly<Record<'local' | 'docker' | 'ssh' | 'slurm', Engine>>> {
  const [docker, ssh, slurm] = await Promise.all([dockerMissing(), sshMissing(), slurmMissing()]);
  return {
    local: { name: 'this machine', missing: null, open: openLocal },
    docker: { name: 'docker', missing: docker, open: openDocker },
    ssh: { name: 'ssh', missing: ssh, open: openSsh },
    slurm: { name: 'Slurm', missing: slurm, open: openSlurm },
  };
}

async function openLocal(): Promise<OpenEngine> {
  return {
    on: { reach: { executor: 'local' }, nodes: [LOCALHOST], container: null },
    left: processesHere,
    close: async () => undefined,
  };
}

async function openDocker(): Promise<OpenEngine> {
  const engine = await startDocker();
  Object.assign(process.env, engine.env);
  await importImage('docker', engine, { name: IMAGE, content: 'shell' });
  const container = { image: IMAGE, runtime: 'docker', pull: 'never' } as const;
  return {
    on: {
      reach: { executor: 'local' },
      nodes: [LOCALHOST],
      container: { ...container, env: {}, mounts: [], devices: [] },
    },
    left: async (runId) => {
      const args = ['ps', '--all', '--quiet', `--filter=label=assay.run_id=${runId}`];
      const { stdout } = await execa('docker', args, { env: engine.env });
      return [...(await processesHere(runId)), ...stdout.split('\n').filter((id) => id !== '')];
    },
    close: () => engine.close(),
  };
}

async function openSsh(): Promise<OpenEngine> {
  const ssh = await startSshHosts(2);
  return {
    ssh,
    on: { reach: { executor: 'ssh', config: ssh.config }, nodes: ssh.nodes, container: null },
    left: processesHere,
    recover: async (on, runId) => {
      for (const { name } of ssh.nodes) await ssh.linkUp(name);
      const reaped = (): ReturnType<typeof endLeftovers> => endLeftovers(on, [runId]);
      await expect.poll(async () => (await reaped()).unconfirmed, { timeout: 20_000 }).toEqual([]);
    },
    close: () => ssh.close(),
  };
}

async function openSlurm(): Promise<OpenEngine> {
  const slurm = await startSlurmCluster();
  process.env['SLURM_CONF'] = slurm.env.SLURM_CONF;
  const free = { partition: null, account: null, options: [] };
  return {
    slurm,
    on: { reach: { executor: 'slurm', slurm: free }, nodes: slurm.nodes.slice(0, 2), container: null },
    left: async (runId) => [
      ...(await processesHere(runId)),
      ...(await slurm.jobs()).filter(({ comment }) => comment === `assay.run_id=${runId}`),
    ],
    close: () => slurm.close(),
  };
}
