import { execa } from 'execa';
import { expect, onTestFinished } from 'vitest';
import type { ProgressStatus, RunContext } from '../../src/lifecycle/adapter.ts';
import type { Row } from './failure-bench.ts';
import { untilServerDies, working } from './failure-scripted.ts';

/** Failures of what hosts are reached through. */
export const hostRows: Readonly<Record<'docker' | 'ssh' | 'slurm', readonly Row[]>> = {
  docker: [
    {
      name: 'the image is not there and must not be pulled',
      on: ({ on: { container } }) => ({ container: { ...container!, image: 'assay-test:none' } }),
      inject: () => ({}),
      expected: {
        status: 'failed_setup',
        failure: {
          category: 'setup_failure',
          originated_in_phase: 'prepare',
          message:
            'the image assay-test:none is not on localhost - pull or load it there: docker pull assay-test:none; or set `container.pull: missing`',
        },
        until: 'prepare',
      },
    },
    {
      name: 'the program is not in the image',
      inject: () => ({ program: 'exec python3 -m server' }),
      expected: {
        status: 'failed_setup',
        failure: {
          category: 'setup_failure',
          originated_in_phase: 'launch',
          message: 'server on localhost ended with code 127 before it was ready',
          evidence: [expect.stringContaining('python3: not found')],
        },
        until: 'launch',
      },
    },
    {
      name: 'somebody removes the container under load',
      inject: () => ({ status: onceAwaited(removeContainer) }),
      expected: {
        status: 'failed_safety',
        failure: {
          category: 'safety_violation',
          originated_in_phase: 'await',
          message: expect.stringMatching(/^server_alive: server on localhost /),
        },
        until: 'await',
      },
    },
  ],
  ssh: [
    {
      name: 'a host vanishes under load',
      inject: ({ ssh }) => ({ status: onceAwaited(() => ssh!.linkDown('h2')) }),
      expected: {
        status: 'failed_safety',
        failure: {
          category: 'safety_violation',
          originated_in_phase: 'await',
          message:
            'server_alive: server on h2 was lost under load: ssh to h2: the connection broke off; check the network, and that the host is up',
        },
        until: 'await',
        teardown: {
          orphans: null,
          unconfirmed: [expect.stringMatching(/^h2 cannot be searched for what run \S+ left: ssh to h2: no answer/)],
          error: expect.stringMatching(/^process \d+ on h2 may still run: .* run: assay reap/),
        },
      },
    },
    {
      name: 'nothing moves on two hosts',
      config: { timeouts: '{launch: 20s, inactivity: 300ms, total: 60s}' },
      inject: () => ({ status: () => working(12, 12) }),
      expected: {
        status: 'failed_liveness',
        failure: {
          category: 'liveness_failure',
          originated_in_phase: 'await',
          // Hosts start in any order.
          evidence: expect.arrayContaining(['server.h1: up', 'server.h2: up']),
        },
        until: 'await',
      },
    },
    {
      name: 'a host cannot be reached',
      inject: ({ ssh }) => ssh!.linkDown('h1').then(() => ({})),
      expected: {
        status: 'failed_setup',
        failure: {
          category: 'setup_failure',
          originated_in_phase: 'prepare',
          message:
            'h1 could not be locked: ssh to h1: no answer to the connection; check its address, the network and firewalls',
        },
        until: 'hosts',
      },
    },
  ],
  slurm: [
    {
      name: 'a node fails under load',
      inject: ({ slurm }) => {
        onTestFinished(() => slurm!.nodeUp('n2'));
        return { status: onceAwaited(() => slurm!.nodeDown('n2')) };
      },
      expected: {
        status: 'failed_safety',
        failure: {
          category: 'safety_violation',
          originated_in_phase: 'await',
          message: expect.stringMatching(/^server_alive: server on (n[12]) was lost under load: .*\1.* \(NODE_FAIL\)$/),
        },
        until: 'await',
        // Slurm ends the job on all of its nodes, and lets nobody look there any more.
        teardown: {
          orphans: null,
          unconfirmed: ['n1', 'n2'].map((node) => expect.stringMatching(new RegExp(`^${node} cannot be searched`))),
          error: expect.stringContaining('may still run'),
        },
      },
    },
    {
      name: 'Slurm refuses the allocation',
      on: ({ on: { nodes } }) => ({ nodes: [{ ...nodes[0]!, name: 'n9' }] }),
      inject: () => ({}),
      expected: {
        status: 'failed_setup',
        failure: {
          category: 'setup_failure',
          originated_in_phase: 'prepare',
          message: expect.stringMatching(/^Slurm refused the job: .* - compare node names/),
        },
        until: 'hosts',
      },
    },
  ],
};

/** Does something to a run as soon as it is under load; the run then ends when one of its servers does. */
function onceAwaited(harm: (context: RunContext) => Promise<unknown>): (context: RunContext) => ProgressStatus {
  let isDone = false;
  return (context) => {
    if (!isDone) void harm(context);
    isDone = true;
    return untilServerDies(context);
  };
}

async function removeContainer({ launched: [server] }: RunContext): Promise<void> {
  const id = server?.process.id;
  if (id?.kind === 'container') await execa('docker', ['rm', '--force', id.id]);
}
