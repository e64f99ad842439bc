import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkEvidence, readManifest } from '../../src/evidence/run-reader.ts';
import type { HostNode } from '../../src/exec/hosts.ts';
import { ONE_CELL, Project } from '../e2e/project.ts';
import { dockerMissing, startDocker } from './docker-engine.ts';
import { importImage } from './image.ts';
import { slurmMissing, startSlurmCluster } from './slurm-cluster.ts';
import { sshMissing, startSshHosts } from './ssh-hosts.ts';

// The embedded server, loaded and judged for real, on every kind of host that is not plain this one.

const [noDocker, noSsh, noSlurm] = await Promise.all([dockerMissing(), sshMissing(), slurmMissing()]);

const title = (engine: string, missing: string | null): string =>
  missing === null ? `the embedded workload ${engine}` : `the embedded workload ${engine}: ${missing}`;

/** A cluster file for these nodes; every node may carry the CPU workload. */
function clusterFile(nodes: readonly HostNode[], more: Readonly<Record<string, unknown>>): string {
  const entries = nodes.map(({ name, address: { host, port, user, sshKey } }) => {
    const facts = { ip: host, port, user, ssh_key: sshKey, gpus: 0, labels: ['cpu'] };
    return [name, Object.fromEntries(Object.entries(facts).filter(([, fact]) => fact !== null))];
  });
  return JSON.stringify({ nodes: Object.fromEntries(entries), ...more });
}

interface Ran {
  readonly manifest: ReturnType<typeof readManifest>;
  readonly folder: string;
  readonly screen: string;
}

/** Runs the one cell of a project through Vitest, as a user would, and checks what every run must leave. */
async function runOnce(project: Project): Promise<Ran> {
  const { exitCode, screen } = await project.run();
  const [folder = ''] = project.runFolders();
  expect(exitCode, screen).toBe(0);
  const manifest = readManifest(folder);
  await checkEvidence(folder, manifest, { hashes: 'all' });
  expect(manifest).toMatchObject({ status: 'passed', teardown: { orphans: 0, unconfirmed: [], error: null } });
  expect(manifest.result.scalars).toMatchObject({ requests: 8, completed: 8 });
  return { manifest, folder, screen };
}

const logsOf = (folder: string): readonly string[] => readdirSync(join(folder, 'logs')).toSorted();

describe.skipIf(noDocker !== null)(title('in a docker container', noDocker), () => {
  let engine: Awaited<ReturnType<typeof startDocker>>;
  beforeAll(async () => {
    engine = await startDocker();
    await importImage('docker', engine, { name: 'assay-test:node', content: 'node' });
  });
  afterAll(() => engine?.close());

  it('is launched, measured and judged, and its image names the run', async () => {
    const container = 'container: {image: "assay-test:node", pull: never}\n';
    const project = new Project({ 'configs/quick.yaml': `${ONE_CELL}${container}` }, engine.env);
    const { manifest } = await runOnce(project);
    expect(manifest.container).toEqual({
      image: 'assay-test:node',
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      runtime: 'docker',
    });
    expect(manifest.launches).toMatchObject([{ role: 'server', container: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
  });
});

describe.skipIf(noSsh !== null)(title('over ssh', noSsh), () => {
  let hosts: Awaited<ReturnType<typeof startSshHosts>>;
  beforeAll(async () => {
    hosts = await startSshHosts(2);
  });
  afterAll(() => hosts?.close());

  it('is launched, measured and judged on its node', async () => {
    const cluster = clusterFile(hosts.nodes, { executor: 'ssh', ssh_config: hosts.config });
    const project = new Project(
      { 'configs/quick.yaml': ONE_CELL, 'cluster.json': cluster },
      { ASSAY_CLUSTER: 'cluster.json' },
    );
    const { manifest, folder } = await runOnce(project);
    const [first] = hosts.nodes;
    expect(manifest).toMatchObject({
      executor: { kind: 'ssh', allocation: null },
      bindings: { server: [first?.name] },
      hosts: [{ hostname: first?.name, roles: ['server'] }],
    });
    const name = first?.name ?? '';
    expect(logsOf(folder)).toEqual([
      `dmesg.${name}.post.txt`,
      `dmesg.${name}.pre.txt`,
      `gpu_state.${name}.post.json`,
      `gpu_state.${name}.pre.json`,
      `server.${name}.log`,
      'stderr.log',
      'stdout.log',
    ]);
  });
});

describe.skipIf(noSlurm !== null)(title('in a Slurm allocation', noSlurm), () => {
  let cluster: Awaited<ReturnType<typeof startSlurmCluster>>;
  beforeAll(async () => {
    cluster = await startSlurmCluster();
  });
  afterAll(() => cluster?.close());

  it('is launched, measured and judged on its node, which is given back', async () => {
    const project = new Project(
      { 'configs/quick.yaml': ONE_CELL, 'cluster.json': clusterFile(cluster.nodes, { executor: 'slurm' }) },
      { ASSAY_CLUSTER: 'cluster.json', ...cluster.env },
    );
    const { manifest } = await runOnce(project);
    expect(manifest).toMatchObject({
      executor: { kind: 'slurm', allocation: expect.stringMatching(/^\d+$/) },
      bindings: { server: [cluster.nodes[0]?.name] },
    });
    expect(await cluster.jobs()).toEqual([]);
  });

  it('waits in the queue as one array where several cells need the same nodes', async () => {
    const cells = `${ONE_CELL.replace('[2]', '[1, 2, 4]')}reuse_server: false\n`;
    const project = new Project(
      { 'configs/quick.yaml': cells, 'cluster.json': clusterFile(cluster.nodes, { executor: 'slurm' }) },
      { ASSAY_CLUSTER: 'cluster.json', ...cluster.env },
    );
    const { exitCode, screen } = await project.run('-t', 'every_phase_finished');
    expect(exitCode, screen).toBe(0);
    const allocations = project.runFolders().map((folder) => readManifest(folder).executor.allocation);
    const tasks = allocations.flatMap((allocation) => /^(\d+)_(\d+)$/.exec(allocation ?? '')?.slice(1) ?? []);
    const [array] = tasks;
    expect(tasks).toEqual([array, '0', array, '1', array, '2']);
    expect(await cluster.jobs()).toEqual([]);
  });
});
