import { afterEach, describe, expect, it, vi } from 'vitest';
import type { HostNode } from '../../../src/exec/hosts.ts';
import { allocationArgs } from '../../../src/exec/slurm-allocation.ts';
import type { AllocationRequest } from '../../../src/exec/slurm-allocation.ts';
import { explainStep, slurmCarrier } from '../../../src/exec/slurm-carrier.ts';
import { complaintOf, slurmCommand } from '../../../src/exec/slurm-client.ts';
import { parseQueue } from '../../../src/exec/slurm-queue.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

function node(name: string, gpus = 0): HostNode {
  return { name, gpus, address: { host: `${name}.example`, port: null, user: null, sshKey: null } };
}

const REQUEST: AllocationRequest = {
  nodes: [node('n1'), node('n2')],
  slurm: { partition: null, account: null, options: [] },
  isExclusive: false,
  timeLimitMs: 60_000,
};

describe('parseQueue', () => {
  it('reads waiting, running and array jobs as squeue prints them', () => {
    const printed = [
      '9|9|PENDING|ReqNodeNotAvail, UnavailableNodes:n4|assay.run_id=r1',
      '17_2|17|PENDING|JobArrayTaskLimit|assay.session=s',
      '17_0|18|RUNNING|None|(null)',
      '',
    ].join('\n');
    expect(parseQueue(printed)).toEqual([
      {
        id: '9',
        number: '9',
        state: 'PENDING',
        reason: 'ReqNodeNotAvail, UnavailableNodes:n4',
        comment: 'assay.run_id=r1',
      },
      { id: '17_2', number: '17', state: 'PENDING', reason: 'JobArrayTaskLimit', comment: 'assay.session=s' },
      { id: '17_0', number: '18', state: 'RUNNING', reason: null, comment: '(null)' },
    ]);
  });

  it('keeps a separator that a foreign comment holds', () => {
    expect(parseQueue('9|9|RUNNING|None|assay.run_id=r1|x\n')).toMatchObject([{ comment: 'assay.run_id=r1|x' }]);
  });

  it('reads an empty queue', () => {
    expect(parseQueue('')).toEqual([]);
  });
});

describe('allocationArgs', () => {
  it('asks for exactly the bound nodes', () => {
    const args = allocationArgs(REQUEST);
    expect(args).toContain('--nodelist=n1,n2');
    expect(args).toContain('--nodes=2');
    expect(args).toContain('--no-requeue');
    expect(args.join(' ')).not.toMatch(/--gpus|--partition|--account|--exclusive/);
  });

  it.each([
    [1, '--time=1'],
    [60_000, '--time=1'],
    [60_001, '--time=2'],
    [4 * 3_600_000, '--time=240'],
  ])('rounds %d ms up to %s minutes', (timeLimitMs, expected) => {
    expect(allocationArgs({ ...REQUEST, timeLimitMs })).toContain(expected);
  });

  it('asks on every node for the most GPUs that one of them needs', () => {
    const args = allocationArgs({ ...REQUEST, nodes: [node('n1', 4), node('n2', 8), node('n3')] });
    expect(args).toContain('--gpus-per-node=8');
  });

  it('asks for whole nodes when the run does not share them', () => {
    const args = allocationArgs({ ...REQUEST, isExclusive: true });
    expect(args).toEqual(expect.arrayContaining(['--exclusive', '--mem=0']));
  });

  it("lets the pool's options win over what is asked for, but not over the nodes", () => {
    const slurm = { partition: 'mi300', account: 'lab', options: ['--time=9', '--nodelist=other'] };
    const args = allocationArgs({ ...REQUEST, slurm });
    expect(args).toEqual(expect.arrayContaining(['--partition=mi300', '--account=lab']));
    expect(args.findLast((arg) => arg.startsWith('--time'))).toBe('--time=9');
    expect(args.findLast((arg) => arg.startsWith('--nodelist'))).toBe('--nodelist=n1,n2');
  });
});

describe('slurmCommand', () => {
  it('keeps the shape of a surrounding job from the clients, but not the way to the cluster', () => {
    for (const name of ['SLURM_JOB_ID', 'SQUEUE_STATES', 'SBATCH_TIMELIMIT', 'SLURM_CONF']) vi.stubEnv(name, 'x');
    const { file, args } = slurmCommand('squeue', ['--me']);
    expect(file).toBe('env');
    const removed = args.filter((_, index) => args[index - 1] === '-u');
    expect(removed).toEqual(expect.arrayContaining(['SLURM_JOB_ID', 'SQUEUE_STATES', 'SBATCH_TIMELIMIT']));
    expect(removed).not.toContain('SLURM_CONF');
    expect(args.slice(-2)).toEqual(['squeue', '--me']);
  });
});

describe('slurmCarrier', () => {
  it('marks the client with the run, and hands neither the mark nor a secret on to the node', () => {
    vi.stubEnv('HF_TOKEN', 'x');
    vi.stubEnv('ASSAY_CLIENT_OF', 'outer');
    const { args, env } = slurmCarrier(node('n1'), { allocation: '7', runId: 'r1' }).carry('true');
    expect(env).toEqual({ ASSAY_CLIENT_OF: 'r1' });
    expect(args.find((arg) => arg.startsWith('--export='))).toMatch(/^--export=PATH\b/);
    expect(args.join(' ')).not.toMatch(/HF_TOKEN|ASSAY_RUN_ID|ALL/);
  });
});

describe('complaintOf', () => {
  const exit = { kind: 'exited', code: 1 } as const;

  it('leaves out the names of the clients', () => {
    const stderr =
      'sbatch: error: invalid partition specified: nope\n' +
      'sbatch: error: Batch job submission failed: Invalid partition name specified\n';
    expect(complaintOf({ exit, stdout: '', stderr })).toBe(
      'invalid partition specified: nope; Batch job submission failed: Invalid partition name specified',
    );
  });

  it('tells how a silent client ended', () => {
    expect(complaintOf({ exit: { kind: 'lost', reason: 'no such file' }, stdout: '', stderr: '' })).toBe(
      'it was lost: no such file',
    );
  });
});

describe('explainStep', () => {
  const place = { node: 'n3', allocation: '2' };
  it.each([
    ['srun: error: Node failure on n3\n', 'node n3 of Slurm job 2 failed (NODE_FAIL)'],
    [
      'slurmstepd-n3: error: *** STEP 2.0 ON n3 CANCELLED AT 2026-11-22T07:21:08 DUE TO TIME LIMIT ***\n' +
        'srun: error: n3: task 0: Terminated\n',
      'Slurm job 2, which held n3, reached its time limit (TIMEOUT)',
    ],
    [
      'slurmstepd-n3: error: *** STEP 2.0 ON n3 CANCELLED AT 2026-11-22T07:19:15 ***\n' +
        'srun: error: n3: task 0: Terminated\n',
      'Slurm job 2, which held n3, was cancelled (CANCELLED)',
    ],
    [
      'slurmstepd: error: *** STEP 2.0 ON n3 CANCELLED AT 2026-11-22T07:19:15 DUE TO NODE FAILURE, SEE SLURMCTLD LOG FOR DETAILS ***\n',
      'a node of Slurm job 2, which held n3, failed (NODE_FAIL)',
    ],
    [
      'srun: error: Slurm job 2 has expired\nsrun: Check SLURM_JOB_ID environment variable. Expired or invalid job 2\n',
      'Slurm job 2 holds n3 no longer (Slurm job 2 has expired)',
    ],
    [
      'srun: error: Unable to confirm allocation for job 2: Invalid job id specified\n',
      'Slurm job 2 holds n3 no longer (Invalid job id specified)',
    ],
    [
      'words of the role\nsrun: error: n3: task 0: Killed\n',
      'srun for n3 ended with code 1: srun: error: n3: task 0: Killed',
    ],
    ['words of the role\n', 'srun for n3 ended with code 1'],
  ])('of %j', (stderr, expected) => {
    expect(explainStep({ kind: 'exited', code: 1 }, stderr, place)).toBe(expected);
  });
});
