import { accessSync, constants, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished } from 'vitest';
import { AssayError, messageOf } from '../../src/core/errors.ts';
import { localExecutor } from '../../src/exec/local.ts';
import { readKernelLog } from '../../src/lifecycle/kernel-log.ts';
import type { ProgressStatus, RunContext } from '../../src/lifecycle/adapter.ts';
import type { Row } from './failure-bench.ts';
import { Probed } from './failure-probed.ts';
import { SERVER, untilServerDies, working } from './failure-scripted.ts';

const NODE = process.execPath;

/** Failures before there are results; they need nothing but this machine. */
export const workRows: readonly Row[] = [
  {
    name: 'prepare raises',
    inject: () => ({
      prepare: () =>
        Promise.reject(new AssayError('SETUP_FAILED', '/data/tiny cannot be read', { hint: 'mount it on the host' })),
    }),
    expected: {
      status: 'failed_setup',
      failure: {
        category: 'setup_failure',
        originated_in_phase: 'prepare',
        message: '/data/tiny cannot be read - mount it on the host',
        evidence: [],
      },
      until: 'prepare',
    },
  },
  {
    name: 'the config is for another GPU',
    config: { target_gpu: 'mi300x', topology: '{roles: {server: {count: 1, gpus_per_node: 1}}}' },
    inject: () => ({}),
    expected: {
      status: 'failed_setup',
      failure: {
        category: 'setup_failure',
        originated_in_phase: 'prepare',
        message: expect.stringMatching(/mi300x.*localhost/),
      },
      until: 'prepare',
    },
  },
  {
    name: 'its port is in use',
    inject: async () => ({ program: `exec ${NODE} -e 'net.createServer().listen(${await takenPort()}, "127.0.0.1")'` }),
    expected: {
      status: 'failed_setup',
      failure: {
        category: 'setup_failure',
        originated_in_phase: 'launch',
        message: 'server on localhost ended with code 1 before it was ready',
        evidence: expect.arrayContaining([expect.stringContaining('EADDRINUSE')]),
      },
      until: 'launch',
    },
  },
  {
    name: 'the server dies while it loads',
    inject: () => ({ program: 'echo loading; echo "bad magic" >&2; exit 3' }),
    expected: {
      status: 'failed_setup',
      failure: {
        category: 'setup_failure',
        originated_in_phase: 'launch',
        message: 'server on localhost ended with code 3 before it was ready',
        evidence: expect.arrayContaining(['loading', 'bad magic']),
      },
      until: 'launch',
    },
  },
  {
    name: 'the server is not ready in time',
    config: { timeouts: '{launch: 500ms, inactivity: 20s, total: 60s}' },
    inject: () => ({ program: 'echo loading; sleep 60' }),
    expected: {
      status: 'failed_setup',
      failure: {
        category: 'setup_failure',
        originated_in_phase: 'launch',
        message: 'server on localhost not ready after 0.5 s - where it only loads for longer, raise `timeouts.launch`',
        evidence: ['loading'],
      },
      until: 'launch',
    },
  },
  {
    name: 'the whole takes too long while it loads',
    config: { timeouts: '{launch: 20s, inactivity: 20s, total: 1500ms}' },
    inject: () => ({ program: 'echo loading; sleep 60' }),
    expected: {
      status: 'failed_liveness',
      failure: {
        category: 'liveness_failure',
        originated_in_phase: 'launch',
        message: 'not finished after 1.5 s (in launch) - where nothing hangs, raise `timeouts.total`',
        evidence: ['loading'],
      },
      until: 'launch',
    },
  },
  {
    name: 'the server dies under load',
    inject: () => ({
      program: 'echo up; sleep 0.3; echo "last words" >&2; kill -KILL $$',
      status: untilServerDies,
    }),
    expected: {
      status: 'failed_safety',
      failure: {
        category: 'safety_violation',
        originated_in_phase: 'await',
        message: 'server_alive: server on localhost ended with SIGKILL under load',
        evidence: ['up', 'last words'],
      },
      until: 'await',
    },
    also: ({ events }) =>
      expect(events.filter(({ event }) => event === 'safety.violated')).toMatchObject([{ predicate: 'server_alive' }]),
  },
  {
    name: 'the loss is no number',
    inject: () => ({
      program: 'echo up; echo "step 1 loss 2.31"; sleep 0.2; echo "step 2 loss nan"; sleep 60',
      status: untilLossBreaks,
    }),
    expected: {
      status: 'failed_safety',
      failure: {
        category: 'safety_violation',
        originated_in_phase: 'await',
        message: 'finite_loss: the loss of step 2 is nan',
        evidence: ['up', 'step 1 loss 2.31', 'step 2 loss nan'],
      },
      until: 'await',
    },
  },
  {
    name: 'its health probe fails',
    inject: () => new Probed(),
    expected: {
      status: 'failed_safety',
      failure: {
        category: 'safety_violation',
        originated_in_phase: 'await',
        message: expect.stringMatching(/^healthy: http:\/\/127\.0\.0\.1:\d+\/health answered 503$/),
        evidence: expect.arrayContaining(['engine is dead']),
      },
      until: 'await',
    },
  },
  {
    name: 'nothing moves',
    config: { timeouts: '{launch: 20s, inactivity: 300ms, total: 60s}' },
    inject: () => ({ status: () => working(12, 12) }),
    expected: {
      status: 'failed_liveness',
      failure: {
        category: 'liveness_failure',
        originated_in_phase: 'await',
        message: 'no progress for 0.3 s (stood at 12 of 100 req) - where nothing hangs, raise `timeouts.inactivity`',
        evidence: ['up'],
      },
      until: 'await',
    },
  },
  {
    name: 'the whole takes too long under load',
    config: { timeouts: '{launch: 20s, inactivity: 20s, total: 3s}' },
    inject: () => ({ status: () => working(12) }),
    expected: {
      status: 'failed_liveness',
      failure: {
        category: 'liveness_failure',
        originated_in_phase: 'await',
        message:
          'not finished after 3.0 s (in await, stood at 12 of 100 req) - where nothing hangs, raise `timeouts.total`',
        evidence: ['up'],
      },
      until: 'await',
    },
  },
  {
    name: 'the kernel says that a GPU is lost',
    missing: await kernelLogMissing(),
    inject: () => ({
      awaitCompletion: async () => {
        const line = 'NVRM: Xid (PCI:0000:00:00): 79, a test of vitest-assay wrote this line: no GPU is lost';
        writeFileSync('/dev/kmsg', `<3>${line}\n`);
      },
    }),
    expected: {
      status: 'failed_pattern',
      failure: {
        category: 'failure_pattern_matched',
        originated_in_phase: 'await',
        message: expect.stringMatching(/^nvidia_xid_fatal in dmesg\.localhost - .* drain the node and reset the GPU$/),
        evidence: [expect.stringContaining('Xid (PCI:0000:00:00): 79, a test of vitest-assay')],
      },
      until: 'await',
    },
    also: ({ events }) =>
      expect(events.filter(({ event }) => event === 'pattern.matched')).toMatchObject([{ source: 'dmesg.localhost' }]),
  },
  {
    name: 'a line of its log only warns',
    inject: () => ({ program: `echo "init: could not find a KV slot"; ${SERVER}` }),
    expected: { status: 'passed', failure: null, until: 'verify' },
    also: ({ manifest, events }) => {
      expect(manifest.warnings).toMatchObject([
        { source: 'server.localhost', line: expect.stringContaining('KV slot'), count: 1 },
      ]);
      expect(events.filter(({ event }) => event === 'pattern.matched')).toMatchObject([
        { source: 'server.localhost', pattern_id: manifest.warnings[0]?.pattern_id },
      ]);
    },
  },
];

function untilLossBreaks({ launched: [trainer] }: RunContext): ProgressStatus {
  const evidence = trainer?.process.tail(8) ?? [];
  const [, step, loss] = /^step (\d+) loss (\S+)$/.exec(evidence.at(-1) ?? '') ?? [];
  if (loss === undefined || Number.isFinite(Number(loss))) return working(Number(step ?? 0));
  return { state: 'broken', predicate: 'finite_loss', detail: `the loss of step ${step} is ${loss}`, evidence };
}

/** Why no line can be written to the kernel log and read there; null when it can. */
async function kernelLogMissing(): Promise<string | null> {
  try {
    accessSync('/dev/kmsg', constants.W_OK);
  } catch (thrown) {
    return `the kernel log is not ours to write: ${messageOf(thrown)}`;
  }
  const { state, reason } = { reason: '', ...(await readKernelLog(localExecutor('localhost'))) };
  return state === 'read' ? null : `the kernel log cannot be read: ${reason}`;
}

/** A port that somebody else has until the test is over. */
async function takenPort(): Promise<number> {
  const occupant = createServer();
  await new Promise<void>((listening) => occupant.listen(0, '127.0.0.1', listening));
  onTestFinished(() => void occupant.close());
  return (occupant.address() as AddressInfo).port;
}
