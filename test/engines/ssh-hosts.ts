import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { HostNode } from '../../src/exec/hosts.ts';

const execute = promisify(execFile);

const READY_MS = 20_000;
const SSHD = '/usr/sbin/sshd';
const PORT = 22;

/**
 * Hosts that are namespaces of this machine: each has its own network, name and processes, and an sshd.
 * They share the files.
 */
export interface SshTestHosts {
  readonly nodes: readonly HostNode[];
  /** Path of a client configuration that knows the hosts, and notices a dead connection within seconds. */
  readonly config: string;
  /** Cuts the cable of a host. */
  linkDown(name: string): Promise<void>;
  linkUp(name: string): Promise<void>;
  close(): Promise<void>;
}

/** Why no such hosts can be made here; null when they can. */
export async function sshMissing(): Promise<string | null> {
  if (process.platform !== 'linux') return 'namespaces are there on Linux only';
  if (process.getuid?.() !== 0) return 'only root can make namespaces';
  if (!existsSync(SSHD)) return 'sshd is not installed';
  for (const program of ['ssh', 'ssh-keygen', 'ip', 'unshare', 'busybox']) {
    const isThere = await execute('sh', ['-c', `command -v ${program}`]).then(
      () => true,
      () => false,
    );
    if (!isThere) return `${program} is not installed`;
  }
  return null;
}

/** Makes that many hosts, and waits until they answer. `env` is what whoever logs in finds in the environment. */
export async function startSshHosts(count = 3, env: Readonly<Record<string, string>> = {}): Promise<SshTestHosts> {
  const dir = mkdtempSync(join(tmpdir(), 'sshd-'));
  const id = randomBytes(3).toString('hex');
  const network = `10.${randomInt(100, 250)}.${randomInt(0, 256)}`;
  const hosts = Array.from({ length: count }, (_, index) => ({
    name: `h${index + 1}`,
    ip: `${network}.${index + 11}`,
    space: `as${id}${index}`,
    link: `av${id}${index}`,
  }));
  const bridge = `ab${id}`;
  const daemons: ChildProcess[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(daemons.map(ended));
    for (const { space } of hosts) await ip(`netns delete ${space}`).catch(() => undefined);
    await ip(`link delete ${bridge}`).catch(() => undefined);
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await writeFiles(dir, { ips: hosts.map(({ ip }) => ip), env });
    await ip(`link add ${bridge} type bridge`);
    await ip(`addr add ${network}.1/24 dev ${bridge}`);
    await ip(`link set ${bridge} up`);
    for (const host of hosts) daemons.push(await startHost(dir, bridge, host));
    await Promise.all(hosts.map((host) => answers(host.ip)));
  } catch (error) {
    await close();
    throw error;
  }
  const linkOf = (name: string): string => hosts.find((host) => host.name === name)?.link ?? name;
  return {
    nodes: hosts.map((host) => ({
      name: host.name,
      address: { host: host.ip, port: PORT, user: 'root', sshKey: join(dir, 'key') },
      gpus: 0,
    })),
    config: join(dir, 'client.conf'),
    linkDown: (name) => ip(`link set ${linkOf(name)} down`),
    linkUp: (name) => ip(`link set ${linkOf(name)} up`),
    close,
  };
}

interface TestHost {
  readonly name: string;
  readonly ip: string;
  /** The network namespace. */
  readonly space: string;
  /** Our end of the cable. */
  readonly link: string;
}

async function startHost(dir: string, bridge: string, host: TestHost): Promise<ChildProcess> {
  const { space, link } = host;
  await ip(`netns add ${space}`);
  await ip(`link add ${link} type veth peer name eth0 netns ${space}`);
  await ip(`link set ${link} master ${bridge} up`);
  await ip(`-n ${space} addr add ${host.ip}/24 dev eth0`);
  await ip(`-n ${space} link set eth0 up`);
  await ip(`-n ${space} link set lo up`);
  // The first process of its own space of processes: all others go with it.
  const script = `echo ${host.name} >/proc/sys/kernel/hostname; exec ${SSHD} -D -E "$1/${host.name}.log" -f "$1/sshd.conf"`;
  return spawn(
    'ip',
    [
      ...`netns exec ${space} unshare --uts --pid --fork --kill-child --mount-proc`.split(' '),
      'sh',
      '-c',
      script,
      'sh',
      dir,
    ],
    { stdio: 'ignore' },
  );
}

interface HostFiles {
  readonly ips: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

async function writeFiles(dir: string, { ips, env }: HostFiles): Promise<void> {
  mkdirSync('/run/sshd', { recursive: true });
  mkdirSync(join(dir, 'home'));
  for (const key of ['key', 'host-key'])
    await execute('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(dir, key)]);
  // Of its own: what a login shell finds in the home folder of root takes its time.
  const variables = Object.entries({ HOME: join(dir, 'home'), ...env }).map(([name, value]) => `${name}=${value}`);
  const [kind, hostKey] = readFileSync(join(dir, 'host-key.pub'), 'utf8').split(' ');
  writeFileSync(join(dir, 'known-hosts'), ips.map((address) => `${address} ${kind} ${hostKey}\n`).join(''));
  writeFileSync(
    join(dir, 'sshd.conf'),
    `Port ${PORT}
HostKey ${join(dir, 'host-key')}
AuthorizedKeysFile ${join(dir, 'key.pub')}
PidFile none
StrictModes no
UsePAM no
UseDNS no
PermitRootLogin yes
MaxStartups 100
SetEnv ${variables.join(' ')}
`,
  );
  writeFileSync(
    join(dir, 'client.conf'),
    `Host *
  UserKnownHostsFile ${join(dir, 'known-hosts')}
  StrictHostKeyChecking yes
  ConnectTimeout 3
  ServerAliveInterval 1
  ServerAliveCountMax 2
`,
  );
}

async function answers(address: string): Promise<void> {
  const deadline = performance.now() + READY_MS;
  while (performance.now() < deadline) {
    const socket = connect(PORT, address);
    const isUp = await Promise.race([
      once(socket, 'data').then(
        () => true,
        () => false,
      ),
      delay(1000, false),
    ]);
    socket.destroy();
    if (isUp) return;
    await delay(50);
  }
  throw new Error(`sshd at ${address} did not come up`);
}

async function ended(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  const exit = once(daemon, 'exit');
  daemon.kill('SIGKILL');
  await exit;
}

async function ip(line: string): Promise<void> {
  await execute('ip', line.split(' '));
}
