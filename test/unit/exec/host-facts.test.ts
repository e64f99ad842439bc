import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname, release, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Command, Executor, Finished } from '../../../src/exec/executor.ts';
import { inContainer } from '../../../src/exec/container.ts';
import { localExecutor, runLocal } from '../../../src/exec/local.ts';
import { readFacts } from '../../../src/exec/host-facts.ts';

const containerSpec = { image: 'x', pull: 'never', env: {}, mounts: [], devices: [] } as const;

/** A host whose system files are these. */
function hostWith(files: Readonly<Record<string, string>>): Pick<Executor, 'host' | 'run'> {
  const root = mkdtempSync(join(tmpdir(), 'assay-facts-'));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  const there = (text: string): string => text.replaceAll(/\/(?=(?:sys|proc|etc)\/)/g, `${root}/`);
  const run = ({ file, args }: Command): Promise<Finished> => runLocal({ file, args: args.map(there) });
  return { host: 'h1', run };
}

const nic = (name: string, files: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(files).map(([file, text]) => [`sys/class/net/${name}/${file}`, `${text}\n`]));

describe('readFacts', () => {
  it('reads what a host is', async () => {
    const facts = await readFacts(
      hostWith({
        'etc/os-release': 'NAME="Example"\nPRETTY_NAME="Example Linux 9 (Nine)"\n',
        'proc/cpuinfo': 'processor : 0\nmodel name\t: Example CPU @ 3 GHz\nprocessor : 1\nmodel name\t: other\n',
        'proc/meminfo': 'MemTotal:       2048 kB\nMemFree:        1 kB\n',
      }),
    );
    expect(facts).toMatchObject({
      hostname: hostname(),
      kernel: release(),
      arch: process.arch,
      os: 'Example Linux 9 (Nine)',
      cpu_model: 'Example CPU @ 3 GHz',
      memory_bytes: 2_097_152,
      nics: null,
      rdma: null,
      container_runtime: null,
      node_version: null,
    });
  });

  it('tells hardware from what is built on top of it, and what does RDMA from what does not', async () => {
    const facts = await readFacts(
      hostWith({
        ...nic('lo', { operstate: 'unknown' }),
        ...nic('docker0', { operstate: 'up', speed: '10000' }),
        ...nic('eth0', { operstate: 'up', speed: '25000', 'device/vendor': 'x' }),
        ...nic('eth1', { operstate: 'down', speed: '-1', 'device/vendor': 'x' }),
        ...nic('ib0', { operstate: 'up', speed: '400000', 'device/infiniband/mlx5_0/node_type': 'x' }),
        'sys/class/infiniband/mlx5_0/ports/1/rate': '400 Gb/sec (4X NDR)\n',
        'sys/class/infiniband/mlx5_0/ports/1/link_layer': 'InfiniBand\n',
      }),
    );
    expect(facts.nics).toBe('eth0 25000 Mb/s, eth1 down, ib0 400000 Mb/s rdma');
    expect(facts.rdma).toBe('mlx5_0:1 InfiniBand 400 Gb/sec (4X NDR)');
  });

  it('shows a guest what it has', async () => {
    const guest = hostWith({ ...nic('eth0', { operstate: 'up' }), ...nic('tun0', { operstate: 'down' }) });
    expect(await readFacts(guest)).toMatchObject({ nics: 'eth0', rdma: 'none' });
    const alone = hostWith(nic('lo', { operstate: 'unknown' }));
    expect(await readFacts(alone)).toMatchObject({ nics: 'none', rdma: 'none' });
  });

  it('counts the CPUs that a process may use, whatever OpenMP is told', async () => {
    const run = (command: Command): Promise<Finished> => runLocal({ ...command, env: { OMP_NUM_THREADS: '1' } });
    const { cpu_count: count } = await readFacts({ host: 'h1', run });
    const env = { ...process.env, OMP_NUM_THREADS: undefined };
    expect(count).toBe(Number(execFileSync('nproc', { encoding: 'utf8', env })));
  });
});

describe('localExecutor.fingerprint', () => {
  it('says of this machine what any other host says of itself, and its Node', async () => {
    const { node_version: version, ...facts } = await localExecutor('h1').fingerprint();
    const { node_version: none, ...told } = await readFacts({ host: 'h1', run: runLocal });
    expect(facts).toEqual(told);
    expect([version, none]).toEqual([process.version, null]);
  });
});

describe('the fingerprint of a host with containers', () => {
  /** A machine with programs that answer like this. */
  const machineWith = (programs: Readonly<Record<string, string>>): Executor => {
    const folder = mkdtempSync(join(tmpdir(), 'assay-engine-'));
    for (const [name, script] of Object.entries(programs)) {
      writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    symlinkSync('/bin/sh', join(folder, 'sh'));
    const here = localExecutor('h1');
    const file = (name: string): string => (name.includes('/') ? name : join(folder, name));
    return { ...here, run: (command, options) => here.run({ ...command, file: file(command.file) }, options) };
  };

  it('names the engine and its version, and null where it does not answer', async () => {
    const host = machineWith({
      docker: '[ "$*" = "version --format {{.Server.Version}}" ] && echo 28.0.1',
      podman: 'echo cannot >&2; exit 125',
    });
    const runtimeOf = async (runtime: 'docker' | 'podman'): Promise<string | null> =>
      (await inContainer(host, { ...containerSpec, env: {}, mounts: [], devices: [], runtime }).fingerprint())
        .container_runtime;
    expect(await runtimeOf('docker')).toBe('docker 28.0.1');
    expect(await runtimeOf('podman')).toBe(null);
  });
});
