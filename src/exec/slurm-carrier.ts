import type { Carrier } from './carrier.ts';
import { describeExit } from './exit.ts';
import type { Exit } from './exit.ts';
import type { HostNode } from './hosts.ts';
import { CLIENT_LABEL } from './run-label.ts';
import { slurmCommand } from './slurm-client.ts';

// What a login would set, and what tells which software is loaded. Never all: our environment holds
// secrets, and the label, by which only the processes of the run itself are to be found.
const EXPORTED = ['PATH', 'LD_LIBRARY_PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG'];

interface CarrierOptions {
  /** The number of the job that holds the node. */
  readonly allocation: string;
  readonly runId: string;
}

/** Reaches one node of an allocation with a step of its own, which shares the node with all other steps. */
export function slurmCarrier(node: HostNode, { allocation, runId }: CarrierOptions): Carrier {
  const args = [
    `--jobid=${allocation}`,
    '--overlap',
    `--nodelist=${node.name}`,
    '--nodes=1',
    '--ntasks=1',
    '--unbuffered',
    '--quiet',
    '--mpi=none',
    '--chdir=/',
    `--export=${EXPORTED.filter((name) => process.env[name] !== undefined).join(',')}`,
    '/bin/sh',
    '-c',
  ];
  return {
    host: node.name,
    address: node.address.host,
    carry: (script) => slurmCommand('srun', [...args, script], { [CLIENT_LABEL]: runId }),
    explain: (exit, stderr) => explainStep(exit, stderr, { node: node.name, allocation }),
    takenBack: (stderr) => explainCancel(stderr, { node: node.name, job: `Slurm job ${allocation}` }),
  };
}

/** Why a step broke off, in words that name the node or the job, and Slurm's state of it. */
export function explainStep(
  exit: Exit,
  stderr: string,
  { node, allocation }: { readonly node: string; readonly allocation: string },
): string {
  const job = `Slurm job ${allocation}`;
  const failed = /Node failure on (\S+)/.exec(stderr)?.[1];
  if (failed !== undefined) return `node ${failed} of ${job} failed (NODE_FAIL)`;
  const cancelled = explainCancel(stderr, { node, job });
  if (cancelled !== null) return cancelled;
  const over = /Slurm job \d+ has expired|Unable to confirm allocation for job \d+: (.+)|Job\/step already completing/;
  const reason = over.exec(stderr);
  if (reason !== null) return `${job} holds ${node} no longer (${reason[1] ?? reason[0]})`;
  const said = stderr.split('\n').findLast((line) => /^(srun|slurmstepd\S*): /.test(line));
  return `srun for ${node} ${describeExit(exit)}${said === undefined ? '' : `: ${said}`}`;
}

function explainCancel(stderr: string, place: { node: string; job: string }): string | null {
  const cancelled = /\*\*\* (?:STEP|JOB) \S+ ON \S+ CANCELLED AT \S+(?: DUE TO ([A-Z ]+))?/i.exec(stderr);
  return cancelled === null ? null : describeCancel(cancelled[1]?.trim(), place);
}

function describeCancel(cause: string | undefined, { node, job }: { node: string; job: string }): string {
  switch (cause) {
    case 'TIME LIMIT':
      return `${job}, which held ${node}, reached its time limit (TIMEOUT)`;
    case 'NODE FAILURE':
      return `a node of ${job}, which held ${node}, failed (NODE_FAIL)`;
    case 'PREEMPTION':
      return `${job}, which held ${node}, had to make room (PREEMPTED)`;
    default:
      return `${job}, which held ${node}, was cancelled (CANCELLED)`;
  }
}
