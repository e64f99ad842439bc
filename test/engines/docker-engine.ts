import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { missingPrograms } from './missing-programs.ts';

/** A container engine of a test's own: nothing else of the machine sees its containers. */
export interface TestEngine {
  /** What a process needs in its environment to reach it. */
  readonly env: Readonly<Record<string, string>>;
  /** Lets it pull from a registry of this machine that speaks no TLS. */
  trust(registry: string): void;
  /** Removes every container, image and file of it. */
  close(): Promise<void>;
}

/** A docker daemon of a test's own. */
export interface DockerEngine extends TestEngine {
  /** Ends the daemon as a crash would: its containers live on. */
  kill9(): Promise<void>;
  /** Starts the daemon again after `kill9`; it takes over the containers that live. */
  restart(): Promise<void>;
}

/** Why no docker daemon can be started here; null when it can. */
export async function dockerMissing(): Promise<string | null> {
  return missingPrograms(['docker', 'dockerd', 'containerd', 'runc']);
}

/** Starts a docker daemon in a temporary folder: no bridge, no packet filter, reached over its own socket. */
export async function startDocker(): Promise<DockerEngine> {
  const folder = mkdtempSync(join(tmpdir(), 'docker-'));
  const env = { DOCKER_HOST: `unix://${join(folder, 'docker.sock')}`, DOCKER_CONFIG: join(folder, 'client') };
  mkdirSync(env.DOCKER_CONFIG);
  let daemon = await startDaemon(folder, env.DOCKER_HOST);
  return {
    env,
    // Docker trusts every registry on the loopback device.
    trust: () => undefined,
    close: async () => {
      const containers = await docker(env, ['ps', '--all', '--quiet', '--no-trunc']);
      const ids = containers.split('\n').filter((id) => id !== '');
      if (ids.length > 0) await docker(env, ['rm', '--force', '--volumes', ...ids]);
      await daemon.end('SIGTERM');
      await removeFolder(folder);
    },
    kill9: () => daemon.end('SIGKILL'),
    restart: async () => {
      await forgetContainerd(folder);
      daemon = await startDaemon(folder, env.DOCKER_HOST);
    },
  };
}

interface Daemon {
  /** Settles when it is gone. */
  end(signal: NodeJS.Signals): Promise<void>;
}

async function startDaemon(folder: string, socket: string): Promise<Daemon> {
  const daemon = execa(
    'dockerd',
    [
      `--host=${socket}`,
      `--pidfile=${join(folder, 'docker.pid')}`,
      `--data-root=${join(folder, 'data')}`,
      `--exec-root=${join(folder, 'exec')}`,
      // Neither outlives the daemon as rules of the machine's network.
      '--bridge=none',
      '--iptables=false',
      '--ip6tables=false',
      '--live-restore',
    ],
    { reject: false, buffer: false, stdin: 'ignore', stdout: 'ignore', stderr: 'pipe' },
  );
  const said: string[] = [];
  await new Promise<void>((resolve, reject) => {
    createInterface(daemon.stderr)
      .on('line', (line) => {
        said.push(line);
        if (line.includes('API listen on')) resolve();
      })
      .once('close', () => reject(new Error(`dockerd did not start:\n${said.slice(-10).join('\n')}`)));
  });
  return {
    end: async (signal) => {
      daemon.kill(signal);
      await daemon;
    },
  };
}

// A new daemon takes the process id in this file for a containerd that still runs, and waits for it.
async function forgetContainerd(folder: string): Promise<void> {
  const state = join(folder, 'exec', 'containerd');
  const pidFile = join(state, 'containerd.pid');
  if (existsSync(pidFile)) await ended(Number(readFileSync(pidFile, 'utf8')));
  for (const file of ['containerd.pid', 'containerd.sock', 'containerd.sock.ttrpc', 'containerd-debug.sock']) {
    rmSync(join(state, file), { force: true });
  }
  rmSync(join(folder, 'docker.pid'), { force: true });
}

async function ended(pid: number): Promise<void> {
  await execa('tail', ['--pid', String(pid), '-f', '/dev/null']);
}

// Live-restore and containers leave mounts in it.
async function removeFolder(folder: string): Promise<void> {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((target) => target.startsWith(`${folder}/`));
  for (const target of mounts.toReversed()) await execa('umount', [target], { reject: false });
  rmSync(folder, { recursive: true, force: true });
}

async function docker(env: TestEngine['env'], args: readonly string[]): Promise<string> {
  return (await execa('docker', args, { env })).stdout;
}
