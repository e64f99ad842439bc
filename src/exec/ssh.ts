import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AssayError, messageOf } from '../core/errors.ts';
import type { Carrier } from './carrier.ts';
import type { Command, Executor } from './executor.ts';
import { isSuccess } from './exit.ts';
import type { HostNode } from './hosts.ts';
import { runLocal } from './local.ts';
import { remoteExecutor } from './remote.ts';
import { CLIENT_LABEL } from './run-label.ts';
import { shellWord } from './shell-quote.ts';
import { explainSsh } from './ssh-failure.ts';

// The path of a socket holds about 100 characters, of which ssh wants 17 for itself.
const LONGEST_FOLDER = 30;

// Behind the reader's own configuration: of each option, ssh takes the first value that it meets.
const DEFAULTS = `
Host *
  ConnectTimeout 10
  ServerAliveInterval 5
  ServerAliveCountMax 3
`;

// Ours whatever the reader's own configuration says: nothing may ask, and connections go when we do.
const OPTIONS = ['BatchMode=yes', 'ControlMaster=auto', 'ControlPersist=15', 'RemoteCommand=none'];

/** How to open hosts over ssh. */
interface SshOptions {
  /** The client's configuration file, absolute; null for the user's own. */
  readonly config: string | null;
  /** Marks the clients of this machine. */
  readonly runId: string;
}

/** Hosts that are reached over ssh, by their names in the pool. */
export interface SshHosts {
  readonly executors: ReadonlyMap<string, Executor>;
  readonly carriers: ReadonlyMap<string, Carrier>;
  /** Ends the connections. */
  readonly close: () => Promise<void>;
}

/**
 * Makes hosts reachable over the system's ssh, one connection each that all their commands share.
 * Nothing is connected yet. Rejects with SETUP_FAILED when ssh cannot read its configuration.
 */
export async function openSshHosts(nodes: readonly HostNode[], { config, runId }: SshOptions): Promise<SshHosts> {
  const folder = mkdtempSync(join(baseFolder(), folderPrefix(runId)));
  const removed = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const file = join(folder, CONFIG);
    writeFileSync(file, `${ownConfiguration(config)}\n${DEFAULTS}`, { mode: 0o600 });
    const reached = nodes.map((node, index) => {
      return { node, client: sshClient(node, { file, socket: join(folder, String(index)), runId }) };
    });
    const carriers = await Promise.all(reached.map(({ node, client }) => sshCarrier(node, client)));
    return {
      carriers: new Map(carriers.map((carrier) => [carrier.host, carrier])),
      executors: new Map(carriers.map((carrier) => [carrier.host, remoteExecutor(carrier)])),
      close: async () => {
        await Promise.all(reached.map(({ client }) => runLocal(client(['-O', 'exit'], []))));
        await removed();
      },
    };
  } catch (thrown) {
    await removed();
    throw thrown;
  }
}

/** Where the folders with the connections of runs lie. */
function baseFolder(): string {
  return tmpdir().length > LONGEST_FOLDER ? '/tmp' : tmpdir();
}

/**
 * Ends the connections that a run left whose process is gone: ssh keeps them open for a while, and they say
 * nowhere but in the name of their folder whose they were.
 */
export async function endConnections(runId: string): Promise<void> {
  const prefix = folderPrefix(runId);
  // Some systems have no such folder, and then no connections either.
  const names = await readdir(baseFolder()).catch(() => []);
  for (const name of names.filter((entry) => entry.startsWith(prefix))) {
    const folder = join(baseFolder(), name);
    const sockets = (await readdir(folder)).filter((entry) => entry !== CONFIG);
    const ends = sockets.map((socket) =>
      runLocal({ file: 'ssh', args: ['-S', join(folder, socket), '-O', 'exit', 'any'] }),
    );
    await Promise.all(ends);
    await rm(folder, { recursive: true, force: true });
  }
}

const CONFIG = 'config';

function folderPrefix(runId: string): string {
  return `assay-${runId}-`;
}

/** A command of the ssh client: its options, then what stands behind the host. */
type SshClient = (options: readonly string[], words: readonly string[]) => Command;

interface ClientFiles {
  readonly file: string;
  readonly socket: string;
  readonly runId: string;
}

function sshClient({ address }: HostNode, { file, socket, runId }: ClientFiles): SshClient {
  const { host, port, user, sshKey } = address;
  const common = [
    '-T',
    '-F',
    file,
    ...[...OPTIONS, `ControlPath=${socket}`].flatMap((option) => ['-o', option]),
    ...(port === null ? [] : ['-p', String(port)]),
    ...(user === null ? [] : ['-l', user]),
    ...(sshKey === null ? [] : ['-o', 'IdentitiesOnly=yes', '-i', sshKey]),
  ];
  return (options, words) => ({
    file: 'ssh',
    args: [...common, ...options, '--', host, ...words],
    env: { [CLIENT_LABEL]: runId },
  });
}

async function sshCarrier({ name, address }: HostNode, client: SshClient): Promise<Carrier> {
  const { exit, stdout, stderr } = await runLocal(client(['-G'], []));
  if (!isSuccess(exit)) {
    const reason = exit.kind === 'lost' ? exit.reason : stderr.trim();
    throw new AssayError('SETUP_FAILED', `ssh does not accept what it is told about ${name}: ${reason}`, {
      hint: 'install the ssh client, or correct its configuration file',
    });
  }
  return {
    host: name,
    // A name of the configuration file means nothing to anybody but ssh.
    address: /^hostname (\S+)$/m.exec(stdout)?.[1] ?? address.host,
    // The login shell may be anything; `exec` and single quotes are common to all of them.
    carry: (script) => client([], [`exec /bin/sh -c ${shellWord(script)}`]),
    explain: (ended, said) => explainSsh(name, ended, said),
  };
}

// Read in, not included: ssh refuses to include a file that others may write, though it takes it after -F.
function ownConfiguration(config: string | null): string {
  if (config === null) return 'Include ~/.ssh/config\nInclude /etc/ssh/ssh_config\n';
  try {
    return readFileSync(config, 'utf8');
  } catch (cause) {
    throw new AssayError('SETUP_FAILED', `the ssh configuration ${config} cannot be read: ${messageOf(cause)}`, {
      hint: 'correct its path in the cluster file',
      cause,
    });
  }
}
