import { AssayError } from '../core/errors.ts';
import type { Carrier } from './carrier.ts';
import type { Command, Executor, RunningProcess, StartOptions } from './executor.ts';
import { isSuccess } from './exit.ts';
import type { Exit } from './exit.ts';
import { parseUsage, usageOver } from './local-usage.ts';
import { ProcessOutput } from './process-output.ts';
import { lastWords, startClient } from './remote-client.ts';
import type { Client } from './remote-client.ts';
import { ExitReport, firstReport, reportToken } from './remote-report.ts';
import { PROCESS_FUNCTIONS, remoteScript } from './remote-script.ts';
import { RUN_LABEL } from './run-label.ts';
import { revealAll } from './secret-env.ts';

const START_TIMEOUT_MS = 60_000;

// What a command leaves behind may hold the way open for as long as it lives.
const CLIENT_END_MS = 500;

// After SIGKILL, and for the way there and back.
const STOP_MARGIN_MS = 30_000;

const STOP_SCRIPT = `${PROCESS_FUNCTIONS}
alive "$1" "$2" || [ ! -e "/proc/$1" ] || exit 0
alive "$1" "$2" && kill -TERM "$1" && gone "$3" "$1" "$2"
kill -KILL "-$1"
gone 100 "$1" "$2"`;

/** A process of a host: its id, and when it started, which tells it from a later one with this id. */
interface Started {
  readonly pid: number;
  readonly start: string;
}

/** Starts a long-lived process on the host of a carrier; `run` runs short commands there. */
export async function startRemote(
  { carrier, run }: { readonly carrier: Carrier; readonly run: Executor['run'] },
  command: Command,
  options: StartOptions,
): Promise<RunningProcess> {
  const token = reportToken();
  const env = { ...command.env, [RUN_LABEL]: options.runId };
  const secrets = { kind: 'secrets', values: revealAll(options.secrets) } as const;
  const script = remoteScript({ ...command, env }, secrets, token);
  const client = startClient(carrier.carry(script.text));
  client.child.stdin.write(script.stdin);
  const { pid, start } = await begun({ carrier, client, token }, command.file);
  const report = new ExitReport(token);
  const output = new ProcessOutput(client.child, { ...options, scrubber: report.takenFrom(options.scrubber) });
  const said = lastWords(client);
  for (const stream of [client.child.stdout, client.child.stderr]) stream.resume();
  let lost: Exit | null = null;
  const exit = (): Exit | null => lost ?? report.exit;
  const exited = Promise.race([report.settled, client.ended]).then(async (end) => {
    const timer = setTimeout(() => client.child.kill('SIGKILL'), CLIENT_END_MS);
    await output.drain();
    clearTimeout(timer);
    client.child.stdin.destroy();
    // The signal that ends it may be reported before the way breaks off.
    const takenBack = report.exit?.kind === 'exited' ? null : (carrier.takenBack?.(said()) ?? null);
    if (takenBack === null && report.exit !== null) return report.exit;
    lost = { kind: 'lost', reason: options.scrubber.scrub(takenBack ?? carrier.explain(end, said())) };
    return lost;
  });
  return {
    id: { kind: 'process', pid },
    exited,
    exit,
    ...output.heard(),
    usage: async () => (exit() === null ? usageOver({ run }, pid) : parseUsage('', '')),
    stop: async (graceMs) => {
      const words = [String(pid), start, String(Math.ceil(graceMs / 100))];
      const stopping = { file: '/bin/sh', args: ['-c', STOP_SCRIPT, 'sh', ...words] };
      const stopped = await run(stopping, { timeoutMs: graceMs + STOP_MARGIN_MS });
      // A process that said how it ended is gone, whether or not its group could be reached.
      if (isSuccess(stopped.exit) || report.exit !== null) return exited;
      throw mayStillRun(carrier.host, pid, stopped.exit);
    },
  };
}

function mayStillRun(host: string, pid: number, exit: Exit): AssayError {
  const reason = exit.kind === 'lost' ? exit.reason : 'it does not end';
  return new AssayError('SETUP_FAILED', `process ${pid} on ${host} may still run: ${reason}`, {
    hint: 'when the host can be reached again, run: assay reap',
  });
}

interface Beginning {
  readonly carrier: Carrier;
  readonly client: Client;
  readonly token: string;
}

/** Waits until the command has become a process. What it prints then stays in the streams. */
async function begun({ carrier, client, token }: Beginning, file: string): Promise<Started> {
  const { child, ended } = client;
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill('SIGKILL');
  }, START_TIMEOUT_MS);
  const [stdout, stderr] = await Promise.all([firstReport(child.stdout, token), firstReport(child.stderr, token)]);
  clearTimeout(timer);
  const { words } = stdout;
  if (words?.[0] === 'pid' && stderr.words !== null) return startedOf(words);
  child.kill('SIGKILL');
  for (const stream of [child.stdout, child.stderr]) stream.destroy();
  if (words?.[0] === 'missing') {
    throw new AssayError('SETUP_FAILED', `${file} could not be started on ${carrier.host}: it is not there`, {
      hint: `install it on ${carrier.host}, or correct the PATH there`,
    });
  }
  const reason = isLate ? `no answer within ${START_TIMEOUT_MS / 1000} s` : carrier.explain(await ended, stderr.before);
  throw new AssayError('SETUP_FAILED', `${file} could not be started on ${carrier.host}: ${reason}`);
}

function startedOf([, pid, ...stat]: readonly string[]): Started {
  return { pid: Number(pid), start: stat[20] ?? '' };
}
