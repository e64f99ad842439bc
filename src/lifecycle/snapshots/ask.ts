import type { Command, Executor } from '../../exec/executor.ts';
import { describeExit, isSuccess } from '../../exec/exit.ts';

const TIMEOUT_MS = 20_000;
const QUOTED_LENGTH = 300;

/** What a host said to a question, or why it said nothing of use. */
export type Answer =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'problem'; readonly problem: string };

/** Runs a short command on a host, for at most 20 seconds. Rejects only when aborted. */
export async function ask(executor: Executor, command: Command, signal?: AbortSignal): Promise<Answer> {
  const options = { timeoutMs: TIMEOUT_MS, ...(signal === undefined ? {} : { signal }) };
  const { exit, stdout, stderr } = await executor.run(command, options);
  if (isSuccess(exit)) return { kind: 'text', text: stdout };
  // Some tools complain on stdout.
  const complaint = (stderr.trim() || stdout.trim()).slice(0, QUOTED_LENGTH);
  const question = [command.file, ...command.args].join(' ');
  return { kind: 'problem', problem: [`${question} ${describeExit(exit)}`, complaint].filter(Boolean).join(': ') };
}
