import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { HostNode } from '../../src/exec/hosts.ts';
import { Project, REPOSITORY } from '../e2e/project.ts';
import { noTerminal, Terminal } from '../e2e/terminal.ts';
import { dockerMissing, startDocker } from './docker-engine.ts';
import type { TestEngine } from './docker-engine.ts';
import { importImage } from './image.ts';
import { podmanMissing, startPodman } from './podman-engine.ts';
import { leaksInFolder, parquetText } from './sentinel-places.ts';
import {
  ENDS,
  installLeakyServer,
  leakyConfig,
  leakyProject,
  mountsOf,
  runReported,
  runsOf,
} from './sentinel-project.ts';
import type { End, Run } from './sentinel-project.ts';
import { holding, makeSentinels, SentinelSearch } from './sentinel-secrets.ts';
import { expectNoLeak } from './sentinel-session.ts';
import type { Searched } from './sentinel-session.ts';
import { slurmMissing, startSlurmCluster } from './slurm-cluster.ts';
import { sshMissing, startSshHosts } from './ssh-hosts.ts';

// A workload gets secrets that can be told from everything else, and shows them wherever it can, on every kind of
// host and in every container runtime. Then all that the session left, showed and started is searched for them.

const [noDocker, noPodman, noSsh, noSlurm] = await Promise.all([
  dockerMissing(),
  podmanMissing(),
  sshMissing(),
  slurmMissing(),
]);

// A whole session of several cells each, on a machine that may be busy.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const title = (where: string, missing: string | null): string =>
  `a workload that shows its secrets ${where}${missing === null ? '' : ` (skipped: ${missing})`}`;

function clusterFile(nodes: readonly HostNode[], more: Readonly<Record<string, unknown>>): string {
  const entries = nodes.map(({ name, address: { host, port, user, sshKey } }) => {
    const facts = { ip: host, port, user, ssh_key: sshKey, gpus: 0, labels: ['cpu'] };
    return [name, Object.fromEntries(Object.entries(facts).filter(([, fact]) => fact !== null))];
  });
  return JSON.stringify({ nodes: Object.fromEntries(entries), ...more });
}

const everyEnd = Object.keys(ENDS) as End[];
const someEnds = ['crashing', 'serving', 'pattern'] as const;
const pathWith = (folder: string): string => `${folder}:${process.env['PATH'] ?? ''}`;

describe(title('on this machine', null), () => {
  const sentinels = makeSentinels();
  let searched: Searched;
  beforeAll(async () => {
    const env = { PATH: pathWith(installLeakyServer(process.execPath)) };
    const project = leakyProject(sentinels, { ends: everyEnd, env });
    searched = await expectNoLeak({ project, sentinels, ends: everyEnd, folders: [] });
  });

  const runOf = (end: End): Run => searched.runs.get(end)!;

  it('leaves them in no file, no table, no argv, and not on the screen', () => {
    expect(searched.screen).toContain('<SecretValue label=awkward>');
  });

  it('is quoted in failures, warnings and events without them', () => {
    const { message, evidence } = runOf('crashing').manifest.failure!;
    expect(message).toMatch(/before it was ready/);
    expect(evidence.join('\n')).toContain('<SecretValue label=awkward>');
    expect(runOf('pattern').manifest.failure?.evidence).toEqual([
      expect.stringContaining('<SecretValue label=awkward> and <SecretValue label=syntax>'),
    ]);
    expect(runOf('undescribed').manifest.failure?.message).toContain('answered 500: xxx');
    const { framework_versions: versions } = runOf('serving').manifest;
    expect(versions['llama.cpp']).toMatch(/^b1 for <SecretValue label=awkward>/);
  });

  it('is quoted in the errors of requests without them', async () => {
    const samples = await parquetText(join(runOf('serving').folder, 'samples.parquet'));
    expect(samples).toMatch(/^http: 500: .*<SecretValue label=awkward>/m);
    expect(samples).toMatch(/^http: 503: x+<SecretValue label=awkward>$/m);
    expect(samples).toMatch(/^server_error: no access for <SecretValue label=awkward>/m);
    expect(samples).toMatch(/^malformed: .*<SecretValue label=lines>$/m);
  });
});

describe.skipIf(noTerminal !== null)(title('in front of a terminal', noTerminal), () => {
  it('shows none of them there, while it runs and after', async () => {
    const sentinels = makeSentinels();
    const ends = ['crashing', 'serving'] as const;
    const project = leakyProject(sentinels, { ends });
    const env = { ...holding(sentinels), PATH: pathWith(installLeakyServer(process.execPath)) };
    const argv = [process.execPath, join(REPOSITORY, 'node_modules/vitest/vitest.mjs'), 'run'];
    const locks = { ASSAY_LOCK_FOLDER: join(project.root, 'locks') };
    const terminal = new Terminal(argv, { cwd: project.root, env: { ...process.env, ...locks, ...env } });
    await terminal.ended;
    expect([...runsOf(project).keys()]).toEqual(ends);
    expect(terminal.screen).toContain('<SecretValue label=awkward>');
    expect(new SentinelSearch(sentinels).leaksIn('the terminal', terminal.screen)).toEqual([]);
  });
});

describe(title('that is not run', null), () => {
  const sentinels = makeSentinels();
  const search = new SentinelSearch(sentinels);
  const project = leakyProject(sentinels, { ends: ['serving'] });

  it('shows nothing to who plans and lists', async () => {
    const assay = join(REPOSITORY, 'dist/cli/main.js');
    const options = { cwd: project.root, env: holding(sentinels), all: true, reject: false } as const;
    const plans = [[], ['--json']].map((args) => execa(process.execPath, [assay, 'plan', ...args], options));
    const outputs = await Promise.all([...plans, project.vitest('list'), project.vitest('list', '--json')]);
    for (const { all, exitCode } of outputs) {
      expect(exitCode, all).toBe(0);
      expect(all).toContain('serving');
      expect(search.leaksIn('what is printed', all)).toEqual([]);
    }
    expect(await leaksInFolder(search, project.root)).toEqual([]);
  });

  it('names the variables that hold no secret, and no value', async () => {
    const short = { ...sentinels[0], variable: 'SENTINEL_SHORT', label: 'short', value: '§µ¿' };
    const unset = { ...sentinels[1], variable: 'SENTINEL_UNSET', label: 'unset' };
    const present = sentinels[2];
    const config = leakyConfig('serving', [short, unset, present]);
    const failing = new Project({ 'configs/failing.yaml': config }, holding([short, present]));
    const { screen } = await failing.run();
    const { manifest } = runsOf(failing).get('serving')!;
    expect(manifest).toMatchObject({ status: 'failed_setup', launches: [] });
    expect(manifest.failure?.message).toMatch(
      /SENTINEL_SHORT \(secrets.short\) is shorter than 4 characters; SENTINEL_UNSET \(secrets.unset\) is not set/,
    );
    expect(screen).toContain('SENTINEL_UNSET');
    const files = await execa('grep', ['-rlF', short.value, failing.root], { reject: false });
    expect(files.stdout + (screen.includes(short.value) ? screen : '')).toBe('');
    expect(await leaksInFolder(new SentinelSearch([present]), failing.root)).toEqual([]);
  });
});

describe.skipIf(noSsh !== null)(title('over ssh', noSsh), () => {
  let hosts: Awaited<ReturnType<typeof startSshHosts>>;
  beforeAll(async () => {
    hosts = await startSshHosts(1, { PATH: pathWith(installLeakyServer(process.execPath)) });
  });
  afterAll(() => hosts?.close());

  it('leaves them nowhere, not on the host either', async () => {
    const sentinels = makeSentinels();
    const cluster = clusterFile(hosts.nodes, { executor: 'ssh', ssh_config: hosts.config });
    const project = leakyProject(sentinels, {
      ends: someEnds,
      files: { 'cluster.json': cluster },
      env: { ASSAY_CLUSTER: 'cluster.json' },
    });
    const { seen } = await expectNoLeak({ project, sentinels, ends: someEnds, folders: [dirname(hosts.config)] });
    expect([...seen.argv].some((argv) => argv.startsWith('ssh '))).toBe(true);
  });
});

describe.skipIf(noSlurm !== null)(title('in a Slurm allocation', noSlurm), () => {
  let cluster: Awaited<ReturnType<typeof startSlurmCluster>>;
  beforeAll(async () => {
    cluster = await startSlurmCluster();
  });
  afterAll(() => cluster?.close());

  it('leaves them nowhere, not in what Slurm keeps of jobs either', async () => {
    const sentinels = makeSentinels();
    const PATH = pathWith(installLeakyServer(process.execPath));
    const project = leakyProject(sentinels, {
      ends: someEnds,
      files: { 'cluster.json': clusterFile(cluster.nodes, { executor: 'slurm' }) },
      env: { ASSAY_CLUSTER: 'cluster.json', PATH, ...cluster.env },
    });
    const folders = [dirname(cluster.env.SLURM_CONF)];
    const { seen } = await expectNoLeak({ project, sentinels, ends: someEnds, folders });
    expect([...seen.argv].some((argv) => argv.startsWith('srun '))).toBe(true);
  });
});

const containerOf = (runtime: 'docker' | 'podman'): string => {
  const mounts = mountsOf(installLeakyServer('node'));
  return `container: ${JSON.stringify({ image: 'assay-test:node', pull: 'never', runtime, mounts })}\n`;
};

const runtimes = [
  {
    runtime: 'docker',
    missing: noDocker,
    start: startDocker,
    folderOf: ({ env }: TestEngine) => env['DOCKER_CONFIG']!,
  },
  {
    runtime: 'podman',
    missing: noPodman,
    start: startPodman,
    folderOf: ({ env }: TestEngine) => env['CONTAINERS_CONF']!,
  },
] as const;

describe.each(runtimes)('$runtime', ({ runtime, missing, start, folderOf }) => {
  describe.skipIf(missing !== null)(title(`in a container of ${runtime}`, missing), () => {
    let engine: TestEngine;
    beforeAll(async () => {
      engine = await start();
      await importImage(runtime, engine, { name: 'assay-test:node', content: 'node' });
    });
    afterAll(() => engine?.close());

    it('leaves them nowhere but in the environment that the engine knows', async () => {
      // No engine takes a value of several lines from `--env-file`.
      const [awkward, syntax] = makeSentinels();
      const sentinels = [awkward, syntax];
      const project = leakyProject(sentinels, { ends: someEnds, more: containerOf(runtime), env: engine.env });
      const { seen } = await expectNoLeak({
        project,
        sentinels,
        ends: someEnds,
        folders: [dirname(folderOf(engine))],
        engine: { runtime, env: engine.env },
      });
      // What `--env-file` hands over is what inspect shows there: only who may use the engine can ask it.
      const known = new SentinelSearch(sentinels).leaksIn('Config.Env', [...seen.environments].join('\n'));
      expect(known).toHaveLength(1);
      expect([...seen.containers].join('\n')).toContain('leaky');
    });

    it('refuses one of several lines by its name', async () => {
      const [, , lines] = makeSentinels();
      const project = leakyProject([lines], { ends: ['serving'], more: containerOf(runtime), env: engine.env });
      const screen = await runReported(project);
      const { failure, status } = runsOf(project).get('serving')!.manifest;
      expect({ status, message: failure?.message }, screen).toEqual({
        status: 'failed_setup',
        message: expect.stringMatching(/"SENTINEL_LINES" cannot be given to a container: it holds a line break/),
      });
      const search = new SentinelSearch([lines]);
      expect([...search.leaksIn('the terminal', screen), ...(await leaksInFolder(search, project.root))]).toEqual([]);
    });
  });
});

const noRemoteDocker = noSsh ?? noDocker;

describe.skipIf(noRemoteDocker !== null)(title('in a container behind ssh', noRemoteDocker), () => {
  const closers: (() => Promise<void>)[] = [];
  afterAll(async () => {
    for (const close of closers.toReversed()) await close();
  });

  it('leaves them nowhere on the way to the engine of the host', async () => {
    const engine = await startDocker();
    closers.push(() => engine.close());
    await importImage('docker', engine, { name: 'assay-test:node', content: 'node' });
    const hosts = await startSshHosts(1, engine.env);
    closers.push(() => hosts.close());
    const [awkward, syntax] = makeSentinels();
    const sentinels = [awkward, syntax];
    // The one end that needs no network: the engine, and so the container, is in that of this machine.
    const ends = ['crashing'] as const;
    const project = leakyProject(sentinels, {
      ends,
      more: containerOf('docker'),
      files: { 'cluster.json': clusterFile(hosts.nodes, { executor: 'ssh', ssh_config: hosts.config }) },
      env: { ASSAY_CLUSTER: 'cluster.json' },
    });
    const folders = [dirname(hosts.config), dirname(engine.env['DOCKER_CONFIG']!)];
    await expectNoLeak({ project, sentinels, ends, folders });
  });
});
