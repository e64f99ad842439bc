import { existsSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Executor } from '../../src/exec/executor.ts';
import type { HostNode } from '../../src/exec/hosts.ts';
import { CLIENT_LABEL } from '../../src/exec/run-label.ts';
import { endConnections, openSshHosts } from '../../src/exec/ssh.ts';
import type { SshHosts } from '../../src/exec/ssh.ts';
import { describeConformance, printed, shell, startOptions } from './conformance.ts';
import type { Held } from './ssh-holder.ts';
import { sshMissing, startSshHosts } from './ssh-hosts.ts';
import type { SshTestHosts } from './ssh-hosts.ts';

const missing = await sshMissing();
const FOR_EVER = 'while :; do sleep 0.05; done';

/** The processes of this machine that reach hosts for a run, with their command lines. */
function clientsHere(runId: string): readonly { readonly pid: number; readonly line: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const isOurs = readFileSync(`/proc/${name}/environ`, 'latin1').split('\0').includes(`${CLIENT_LABEL}=${runId}`);
        return isOurs ? [{ pid: Number(name), line: readFileSync(`/proc/${name}/cmdline`, 'latin1') }] : [];
      } catch {
        return [];
      }
    });
}

{
  let hosts: SshTestHosts | undefined;
  let opened: SshHosts | undefined;
  const runId = `conform-${process.pid}`;
  describeConformance('ssh', {
    missing,
    open: async () => {
      hosts = await startSshHosts(1);
      opened = await openSshHosts(hosts.nodes, { config: hosts.config, runId });
      return opened.executors.get('h1')!;
    },
    close: async () => {
      await opened?.close();
      await hosts?.close();
    },
    // The client's own label is that of the session; the script that it carries names the run of the process.
    clientOf: (labelled) =>
      clientsHere(runId).find(({ line }) => line.startsWith('ssh\0') && line.includes(labelled))!.pid,
  });
}

describe.skipIf(missing !== null)(`ssh hosts${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  let hosts: SshTestHosts;
  let opened: SshHosts;
  const on = (name: string): Executor => opened.executors.get(name)!;
  const { runId } = startOptions();

  beforeAll(async () => {
    hosts = await startSshHosts(3);
    opened = await openSshHosts(hosts.nodes, { config: hosts.config, runId });
  });
  afterAll(async () => {
    await opened?.close();
    await hosts?.close();
  });

  it('runs on several hosts at once, each with a name and an address of its own', async () => {
    const names = await Promise.all(
      [...opened.executors.values()].map(async (executor) => (await executor.fingerprint()).hostname),
    );
    expect(names).toEqual(['h1', 'h2', 'h3']);
    expect([...opened.executors.values()].map(({ address }) => address)).toEqual(
      hosts.nodes.map(({ address }) => address.host),
    );
    const many = await Promise.all(
      Array.from({ length: 24 }, (_, index) => on('h1').run(shell(`echo ${index}; exit ${index}`))),
    );
    expect(many.map(({ exit, stdout }) => [exit, stdout])).toEqual(
      many.map((_, index) => [{ kind: 'exited', code: index }, `${index}\n`]),
    );
  });

  it('tells a 255 of the command from one of ssh', async () => {
    expect((await on('h2').run(shell('echo Connection refused >&2; exit 255'))).exit).toEqual({
      kind: 'exited',
      code: 255,
    });
    const role = await on('h2').start(shell('exit 255'), startOptions());
    expect(await role.exited).toEqual({ kind: 'exited', code: 255 });
  });

  it.each([
    [
      'refused',
      (node: HostNode, port: number) => ({ ...node.address, port }),
      'the connection was refused; check that sshd runs there, and its port',
    ],
    [
      'unknown',
      (node: HostNode) => ({ ...node.address, host: 'no-such-host.invalid' }),
      'no such name; correct its address in the cluster file',
    ],
    [
      'denied',
      (node: HostNode) => ({ ...node.address, sshKey: join(tmpdir(), 'no-such-key') }),
      'the login was denied; check user and ssh_key, and that the key needs no passphrase',
    ],
    [
      'an option',
      (node: HostNode) => ({ ...node.address, host: '-oProxyCommand=touch /tmp/assay-pwned' }),
      'hostname contains invalid characters',
    ],
  ])('says why a host cannot be reached: %s', async (kind, change, reason) => {
    const [node] = hosts.nodes;
    const bad = { ...node!, address: change(node!, await closedPort()) };
    if (kind === 'an option') {
      await expect(openSshHosts([bad], { config: hosts.config, runId })).rejects.toMatchObject({
        code: 'SETUP_FAILED',
        message: expect.stringContaining(reason),
      });
      expect(existsSync('/tmp/assay-pwned')).toBe(false);
      return;
    }
    const { executors, close } = await openSshHosts([bad], { config: hosts.config, runId });
    try {
      const executor = executors.get('h1')!;
      expect((await executor.run(shell(':'))).exit).toEqual({ kind: 'lost', reason: `ssh to h1: ${reason}` });
      await expect(executor.start(shell(':'), startOptions())).rejects.toMatchObject({
        code: 'SETUP_FAILED',
        message: `/bin/sh could not be started on h1: ssh to h1: ${reason}`,
      });
      await expect(executor.end([{ kind: 'process', pid: 1, session: 1 }])).rejects.toMatchObject({
        code: 'SETUP_FAILED',
      });
    } finally {
      await close();
    }
  });

  it('says that a host key is not the known one', async () => {
    const config = join(mkdtempSync(join(tmpdir(), 'ssh-')), 'config');
    writeFileSync(config, 'Host *\n  UserKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n');
    const { executors, close } = await openSshHosts(hosts.nodes, { config, runId });
    const { exit } = await executors.get('h1')!.run(shell(':'));
    await close();
    expect(exit).toMatchObject({ reason: expect.stringContaining('its host key is not the known one') });
  });

  it('reads a name of the configuration as its address', async () => {
    const config = join(mkdtempSync(join(tmpdir(), 'ssh-')), 'config');
    const [node] = hosts.nodes;
    writeFileSync(config, `Host login\n  HostName ${node!.address.host}\n${readFileSync(hosts.config, 'utf8')}`);
    const named = { ...node!, address: { ...node!.address, host: 'login' } };
    const { executors, close } = await openSshHosts([named], { config, runId });
    const executor = executors.get('h1')!;
    expect(executor.address).toBe(node!.address.host);
    expect((await executor.run(shell('exit 4'))).exit).toEqual({ kind: 'exited', code: 4 });
    await close();
  });

  it('loses a running command and a process when the cable is cut, and stops the process once it is back', async () => {
    const options = startOptions();
    const role = await on('h3').start(shell(`echo up; ${FOR_EVER}`), options);
    await printed(role, 'up');
    const command = on('h3').run({ ...shell('exec sleep 600'), env: { ASSAY_RUN_ID: options.runId } });
    await expect
      .poll(
        () =>
          on('h3')
            .findLabelled(options.runId)
            .then((found) => found?.length),
        { timeout: 10_000 },
      )
      .toBeGreaterThan(2);
    await hosts.linkDown('h3');
    try {
      expect((await command).exit).toMatchObject({ kind: 'lost' });
      expect(await role.exited).toEqual({
        kind: 'lost',
        reason: 'ssh to h3: the connection broke off; check the network, and that the host is up',
      });
      await expect(role.stop(100)).rejects.toMatchObject({
        code: 'SETUP_FAILED',
        message: expect.stringContaining('may still run'),
      });
      await expect(on('h3').findLabelled(options.runId)).rejects.toMatchObject({ code: 'SETUP_FAILED' });
    } finally {
      await hosts.linkUp('h3');
    }
    await expect
      .poll(
        () =>
          role.stop(100).then(
            ({ kind }) => kind,
            () => null,
          ),
        { timeout: 20_000 },
      )
      .toBe('lost');
    await expect.poll(() => on('h3').findLabelled(options.runId), { timeout: 30_000 }).toEqual([]);
  }, 120_000);

  it('leaves nothing on the host when the process that holds it is killed', async () => {
    const [node] = hosts.nodes;
    const held: Held = {
      node: node!,
      config: hosts.config,
      runId: startOptions().runId,
      program: `trap '' TERM; sleep 600 & echo up; ${FOR_EVER}`,
    };
    const holder = await startHolder(held);
    expect(await on('h1').findLabelled(held.runId)).not.toEqual([]);
    process.kill(holder, 'SIGKILL');
    await expect.poll(() => on('h1').findLabelled(held.runId), { timeout: 30_000 }).toEqual([]);
  }, 120_000);

  it('ends the connections of a process that was killed, and removes their folder', async () => {
    const [node] = hosts.nodes;
    const held: Held = {
      node: node!,
      config: hosts.config,
      runId: startOptions().runId,
      program: `echo up; ${FOR_EVER}`,
    };
    const holder = await startHolder(held);
    const left = () => commandLines().filter((line) => line.startsWith('ssh: ') && line.includes(held.runId));
    expect(left()).toHaveLength(1);
    process.kill(holder, 'SIGKILL');
    await endConnections(held.runId);
    await expect.poll(left).toEqual([]);
    expect(readdirSync(tmpdir()).filter((name) => name.includes(held.runId))).toEqual([]);
  }, 120_000);

  it('shares one connection, and lets go of it', async () => {
    const id = startOptions().runId;
    const { executors, close } = await openSshHosts(hosts.nodes, { config: hosts.config, runId: id });
    const role = await executors.get('h1')!.start(shell(FOR_EVER), startOptions({ runId: id }));
    await executors.get('h1')!.run(shell(':'));
    const [socket] = clientsHere(id).flatMap(({ line }) => /ControlPath=([^\0]+)/.exec(line)?.slice(1) ?? []);
    const masters = () => commandLines().filter((line) => line.startsWith(`ssh: ${socket} [mux]`));
    expect(masters()).toHaveLength(1);
    await role.stop(0);
    await close();
    await expect.poll(() => [...masters(), ...clientsHere(id)]).toEqual([]);
    expect(existsSync(dirname(socket!))).toBe(false);
  });
});

function commandLines(): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'latin1');
      } catch {
        return '';
      }
    });
}

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '0.0.0.0');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Another process that holds a role on a host; answers its id once the role printed something. */
async function startHolder(held: Held): Promise<number> {
  const holder = new URL('ssh-holder.ts', import.meta.url).pathname;
  const load = `import { runnerImport } from 'vite'; await runnerImport(${JSON.stringify(holder)}, { configFile: false });`;
  const child = execa(process.execPath, ['--input-type=module', '-e', load], {
    cwd: new URL('../..', import.meta.url).pathname,
    env: { HELD: JSON.stringify(held) },
    reject: false,
    buffer: false,
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  if (child.pid === undefined) throw new Error('no holder');
  return child.pid;
}
