import { AssayError } from '../core/errors.ts';
import type { ContainerSpec } from '../config/schema/container.ts';
import type { Command, StartOptions } from './executor.ts';
import { RUN_LABEL } from './run-label.ts';
import { revealAll } from './secret-env.ts';

// Both engines read the text with a scanner that gives up on longer lines.
const LINE_BYTES = 65_534;

/**
 * The environment of a role as a container engine reads it: one `NAME=value` a line, values verbatim.
 * It holds secrets, and whoever may use the engine on the host can read them there.
 * Throws SETUP_FAILED, without the value, for what the format cannot hold.
 */
export function envFileText(container: ContainerSpec, command: Command, { runId, secrets }: EnvOptions): string {
  const variables = { ...container.env, ...command.env, ...revealAll(secrets), [RUN_LABEL]: runId };
  return Object.entries(variables).map(line).join('');
}

type EnvOptions = Pick<StartOptions, 'runId' | 'secrets'>;

function line([name, value]: [string, string]): string {
  if (!/^[^\s=#][^\s=]*$/.test(name)) throw refused(name, 'its name is none', 'rename it');
  if (/[\n\r\0]/.test(value)) throw refused(name, 'it holds a line break or a NUL', 'pass the path of a mounted file');
  const text = `${name}=${value}`;
  if (Buffer.byteLength(text) > LINE_BYTES) throw refused(name, 'it is too long', 'pass the path of a mounted file');
  return `${text}\n`;
}

function refused(name: string, why: string, hint: string): AssayError {
  const what = `the environment variable ${JSON.stringify(name)} cannot be given to a container: ${why}`;
  return new AssayError('SETUP_FAILED', what, { hint });
}
