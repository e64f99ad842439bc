import { execa } from 'execa';
import { messageOf } from '../core/errors.ts';
import type { Carrier } from './carrier.ts';
import type { Command, Executor, Finished, RunOptions } from './executor.ts';
import type { Exit } from './exit.ts';
import { readFacts } from './host-facts.ts';
import { copyFromHost, copyToHost } from './remote-files.ts';
import { endProcesses, findProcesses } from './remote-labels.ts';
import { startRemote } from './remote-process.ts';
import { betweenReports, exitOf, reportToken } from './remote-report.ts';
import { remoteScript } from './remote-script.ts';
import { resultOf } from './short-command.ts';

const RUN_TIMEOUT_MS = 60_000;

/** Runs commands on a host over whatever carries shell scripts there. */
export function remoteExecutor(carrier: Carrier): Executor {
  const { host, address } = carrier;
  const run: Executor['run'] = (command, options) => runRemote(carrier, command, options);
  const here = { host, run };
  return {
    host,
    address,
    run,
    start: (command, options) => startRemote({ carrier, run }, command, options),
    copyIn: (from, to) => copyToHost(carrier, from, to),
    copyOut: (from, to) => copyFromHost(carrier, from, to),
    findLabelled: (runId) => findProcesses(here, runId),
    end: (found) => endProcesses(here, found),
    fingerprint: () => readFacts(here),
  };
}

async function runRemote(
  carrier: Carrier,
  command: Command,
  { input = '', timeoutMs = RUN_TIMEOUT_MS, signal }: RunOptions = {},
): Promise<Finished> {
  signal?.throwIfAborted();
  const token = reportToken();
  const script = remoteScript(command, { kind: 'input', text: input }, token);
  const { file, args, env } = carrier.carry(script.text);
  const client = execa(file, args, {
    env: { ...env },
    stdin: 'pipe',
    timeout: timeoutMs,
    reject: false,
    stripFinalNewline: false,
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  });
  // Left open: its end would end the command, as it does when this process dies.
  client.stdin.write(script.stdin);
  const carried = await resultOf(client, { timeoutMs, signal });
  signal?.throwIfAborted();
  const silent = `${command.file} gave no answer within ${timeoutMs / 1000} s`;
  if (carried === null) return { exit: lost(`${silent}, and ${file} cannot be killed`), stdout: '', stderr: '' };
  const [stdout, stderr] = [betweenReports(carried.stdout, token), betweenReports(carried.stderr, token)];
  const { exitCode, signal: endedBy, timedOut, cause } = carried;
  return { exit: exit(), stdout: stdout.body, stderr: stderr.body };

  function exit(): Exit {
    if (stdout.first[0] === 'missing') return lost(`${command.file} could not be started: it is not there`);
    const reported = exitOf(stdout.last);
    if (reported !== null) return reported;
    if (timedOut) return lost(silent);
    if (endedBy !== undefined) return lost(carrier.explain({ kind: 'signalled', signal: endedBy }, stderr.body));
    if (exitCode !== undefined) return lost(carrier.explain({ kind: 'exited', code: exitCode }, stderr.body));
    return lost(`${file} could not be started: ${messageOf(cause)}`);
  }
}

function lost(reason: string): Exit {
  return { kind: 'lost', reason };
}
