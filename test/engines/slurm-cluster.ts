import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import type { HostNode } from '../../src/exec/hosts.ts';

const NODES = ['n1', 'n2', 'n3', 'n4'];
const GPUS_PER_NODE = 8;
const CPUS_PER_NODE = 16;
const READY_MS = 20_000;

export interface SlurmJob {
  readonly id: string;
  readonly state: string;
  readonly comment: string;
}

/** A Slurm cluster of this machine: one controller, four nodes with eight GPUs each that are none. */
export interface SlurmCluster {
  readonly env: { readonly SLURM_CONF: string };
  readonly nodes: readonly HostNode[];
  /** Every job, and every task of an array, that waits or runs. */
  jobs(): Promise<readonly SlurmJob[]>;
  /** The job that was submitted last, also when it is over. */
  lastJob(): Promise<SlurmJob | undefined>;
  /** Submits a job of somebody else's to a node and answers its id. */
  submit(node: string, comment: string): Promise<string>;
  /** Ends every job and waits until the queue is empty. */
  cancelAll(): Promise<void>;
  nodeDown(name: string): Promise<void>;
  nodeUp(name: string): Promise<void>;
  close(): Promise<void>;
}

/** Why no such cluster can be started here; null when it can. */
export async function slurmMissing(): Promise<string | null> {
  if (process.platform !== 'linux') return 'Slurm runs on Linux only';
  if (process.getuid?.() !== 0) return 'only root can make the devices';
  for (const program of ['slurmctld', 'slurmd', 'sbatch', 'srun', 'squeue', 'scontrol', 'scancel', 'mknod']) {
    const { failed } = await execa('sh', ['-c', `command -v ${program}`], { reject: false });
    if (failed) return `${program} is not installed`;
  }
  return null;
}

/** Starts the cluster and waits until all its nodes can take jobs. */
export async function startSlurmCluster(): Promise<SlurmCluster> {
  const dir = mkdtempSync(join(tmpdir(), 'slurm-'));
  const env = { SLURM_CONF: join(dir, 'slurm.conf') };
  await writeConfiguration(dir, await freePorts(NODES.length + 1));
  const daemons = [
    daemon(env, 'slurmctld', ['-D', '-c']),
    ...NODES.map((name) => daemon(env, 'slurmd', ['-D', '-N', name])),
  ];
  const close = async (): Promise<void> => {
    await endJobs(env);
    await Promise.all(daemons.map((running) => running.end()));
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await untilIdle(env);
  } catch (error) {
    const said = daemons.map((running) => running.said()).join('\n');
    await close();
    throw new Error(`the Slurm cluster did not come up:\n${said}`, { cause: error });
  }
  return {
    env,
    nodes: NODES.map((name, index) => ({
      name,
      address: { host: addressOf(index), port: null, user: null, sshKey: null },
      gpus: GPUS_PER_NODE,
    })),
    jobs: () => jobsOf(env),
    lastJob: async () => (await jobsOf(env, ['--states=all', '--sort=-i'])).at(0),
    submit: async (node, comment) => {
      const args = [
        '--parsable',
        `--nodelist=${node}`,
        `--comment=${comment}`,
        '--output=/dev/null',
        '--wrap=sleep 600',
      ];
      const { stdout } = await execa('sbatch', args, { env });
      return stdout;
    },
    cancelAll: () => endJobs(env),
    nodeDown: (name) => setState(env, name, 'down'),
    nodeUp: async (name) => {
      await setState(env, name, 'resume');
      await untilIdle(env);
    },
    close,
  };
}

function addressOf(index: number): string {
  return `127.0.0.${11 + index}`;
}

interface Daemon {
  end(): Promise<unknown>;
  /** The last of what it printed. */
  said(): string;
}

function daemon(env: SlurmCluster['env'], file: string, args: readonly string[]): Daemon {
  // Debian keeps them where the PATH of a user does not look.
  const PATH = `${process.env['PATH']}:/usr/sbin`;
  const child = execa(file, args, { env: { ...env, PATH }, stdin: 'ignore', all: true, buffer: false, reject: false });
  let said = '';
  child.all.on('data', (piece: Buffer) => (said = `${said}${piece.toString()}`.slice(-4000)));
  return {
    end: () => {
      child.kill('SIGTERM');
      return child;
    },
    said: () => said,
  };
}

async function writeConfiguration(dir: string, [controllerPort, ...nodePorts]: readonly number[]): Promise<void> {
  for (const folder of ['state', 'spool', 'dev']) mkdirSync(join(dir, folder));
  for (let gpu = 0; gpu < GPUS_PER_NODE; gpu += 1) {
    // The same numbers as /dev/null: a device that Slurm believes and nobody can harm.
    await execa('mknod', [join(dir, 'dev', `gpu${gpu}`), 'c', '1', '3']);
  }
  const own = hostname().split('.')[0];
  const gpu = `Gres=gpu:mi300x:${GPUS_PER_NODE}`;
  const nodes = NODES.map(
    (name, index) =>
      `NodeName=${name} NodeHostname=${own} NodeAddr=${addressOf(index)} Port=${nodePorts[index]} ` +
      `CPUs=${CPUS_PER_NODE} RealMemory=1024 ${gpu} State=UNKNOWN`,
  );
  const file = `Name=gpu Type=mi300x File=${join(dir, 'dev')}/gpu[0-${GPUS_PER_NODE - 1}]\n`;
  writeFileSync(join(dir, 'gres.conf'), file);
  writeFileSync(
    join(dir, 'slurm.conf'),
    `
ClusterName=assay
SlurmctldHost=${own}(127.0.0.1)
SlurmctldPort=${controllerPort}
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
CredType=cred/none
StateSaveLocation=${join(dir, 'state')}
SlurmdSpoolDir=${join(dir, 'spool')}/%n
SlurmctldPidFile=${join(dir, 'slurmctld.pid')}
SlurmdPidFile=${join(dir, 'slurmd.%n.pid')}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,batch_sched_delay=0,sched_min_interval=0
SlurmdParameters=config_overrides
ReturnToService=1
SlurmdTimeout=60
KillWait=2
MinJobAge=30
GresTypes=gpu
${nodes.join('\n')}
PartitionName=gpu Nodes=${NODES.join(',')} Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
`,
  );
}

// All are held at the same time, so that they differ.
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listen));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function listen(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}

async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + READY_MS;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`waited ${READY_MS / 1000} s for ${what}`);
    await delay(50);
  }
}

function untilIdle(env: SlurmCluster['env']): Promise<void> {
  return until('all nodes to be free', async () => {
    const { stdout, failed } = await execa('sinfo', ['-h', '-N', '-o', '%T'], { env, reject: false });
    return !failed && stdout.split('\n').filter((state) => state === 'idle').length === NODES.length;
  });
}

async function jobsOf(env: SlurmCluster['env'], more: readonly string[] = []): Promise<readonly SlurmJob[]> {
  const { stdout } = await execa('squeue', ['-h', '-a', '-r', '-o', '%i|%T|%k', ...more], { env });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [id = '', state = '', ...comment] = line.split('|');
      return { id, state, comment: comment.join('|') };
    });
}

async function setState(env: SlurmCluster['env'], node: string, state: string): Promise<void> {
  await execa('scontrol', ['update', `nodename=${node}`, `state=${state}`, 'reason=test'], { env });
}

// A daemon that ends does not end what runs under it.
async function endJobs(env: SlurmCluster['env']): Promise<void> {
  await execa('scancel', ['--state=PENDING', '--user=root'], { env, reject: false });
  await execa('scancel', ['--user=root'], { env, reject: false });
  await until('the queue to be empty', async () => {
    const { stdout, failed } = await execa('squeue', ['-h', '-a'], { env, reject: false });
    return failed || stdout === '';
  });
}
