import { describe, expect, it } from 'vitest';
import type { ContainerSpec } from '../../../src/config/schema/container.ts';
import { createArgs, emptyingArgs } from '../../../src/exec/container-argv.ts';
import type { Command } from '../../../src/exec/executor.ts';

const plain: ContainerSpec = { image: 'tool:1', runtime: 'docker', pull: 'missing', env: {}, mounts: [], devices: [] };

describe('emptyingArgs', () => {
  it('mounts the folder and nothing else, without a network, under the label of the run', () => {
    const emptying = { folder: '/tmp/assay-7', runId: '7', host: 'n1', imageId: 'sha256:1' };
    expect(emptyingArgs(emptying)).toEqual([
      'create',
      '--name=assay-7-scratch-removal.n1',
      '--label=assay.run_id=7',
      '--label=assay.role=scratch-removal',
      '--pull=never',
      '--network=none',
      '--user=0:0',
      '--mount=type=bind,source=/tmp/assay-7,target=/tmp/assay-7',
      '--entrypoint=rm',
      'sha256:1',
      '-rf',
      '/tmp/assay-7',
    ]);
  });
});

describe('createArgs', () => {
  it('asks for everything that the config names, and for no privilege', () => {
    const container: ContainerSpec = {
      ...plain,
      mounts: ['/data:/data', '/models:/weights:ro'],
      shm_size: '64g',
      devices: ['/dev/kfd', '/dev/dri'],
    };
    expect(argsOf({ file: 'serve', args: ['--port', '0'], reads: ['/cache'] }, container)).toEqual([
      'create',
      '--name=assay-7-server.n1',
      '--label=assay.run_id=7',
      '--label=assay.role=server',
      '--pull=never',
      '--network=host',
      '--log-driver=json-file',
      '--env-file=/dev/stdin',
      '--mount=type=bind,source=/data,target=/data',
      '--mount=type=bind,source=/models,target=/weights,readonly',
      '--mount=type=bind,source=/cache,target=/cache,readonly',
      '--shm-size=64g',
      '--device=/dev/kfd',
      '--device=/dev/dri',
      '--entrypoint=serve',
      'sha256:1',
      '--port',
      '0',
    ]);
  });

  it('has podman keep its log in a file too', () => {
    expect(argsOf({ file: 'serve', args: [] }, { ...plain, runtime: 'podman' })).toContain('--log-driver=k8s-file');
  });

  it('mounts what is read once, and not over a mount of the config', () => {
    const reads = ['/cache', '/data', '/cache'];
    const args = argsOf({ file: 'serve', args: [], reads }, { ...plain, mounts: ['/elsewhere:/data'] });
    expect(args.filter((arg) => arg.startsWith('--mount='))).toEqual([
      '--mount=type=bind,source=/elsewhere,target=/data',
      '--mount=type=bind,source=/cache,target=/cache,readonly',
    ]);
  });

  it('lets a program write where it may, though it reads there too', () => {
    const args = argsOf({ file: 'serve', args: [], reads: ['/data', '/out'], writes: ['/out'] });
    expect(args.filter((arg) => arg.startsWith('--mount='))).toEqual([
      '--mount=type=bind,source=/data,target=/data,readonly',
      '--mount=type=bind,source=/out,target=/out',
    ]);
  });

  it('quotes a path as the field of CSV that it is', () => {
    expect(argsOf({ file: 'serve', args: [], reads: ['/a,"b"'] })).toContain(
      '--mount=type=bind,"source=/a,""b""","target=/a,""b""",readonly',
    );
  });

  it('keeps environment and secrets out of the arguments', () => {
    const args = argsOf({ file: 'serve', args: [], env: { A: 'visible' } }, { ...plain, env: { B: 'visible' } });
    expect(args.join(' ')).not.toContain('visible');
  });
});

function argsOf(command: Command, container = plain): readonly string[] {
  const options = { runId: '7', role: 'server' };
  return createArgs({ container, imageId: 'sha256:1', command, options, host: 'n1' }, '/dev/stdin');
}
