import { hostname, userInfo } from 'node:os';
import { basename, dirname, isAbsolute, relative } from 'node:path';
import { z } from 'zod';
import { soundsSecret } from '../config/schema/secrets.ts';
import type { Manifest } from '../evidence/manifest.ts';

type Invoker = NonNullable<Manifest['invoker']>;
type Environment = Readonly<Record<string, string | undefined>>;

/** The variable by which Vitest knows the command that started it for the user, a JSON array. */
const TYPED_ARGV = 'ASSAY_ARGV';

// The most telling one first: most systems set CI as well.
const CI_VARIABLES = ['GITHUB_ACTIONS', 'GITLAB_CI', 'BUILDKITE', 'JENKINS_URL', 'CI'];

const REDACTED = '<redacted>';

/** What a Vitest that this process starts must have in its environment for its runs to name the user's command. */
export function typedByUser(argv: readonly string[]): Readonly<Record<string, string>> {
  return { [TYPED_ARGV]: JSON.stringify(commandOf(argv)) };
}

/** Who started the runs of this process, and with which command, secrets left out where a name tells that they are. */
export function invokerOf(argv: readonly string[], env: Environment): Invoker {
  return {
    user: userName(),
    hostname: hostname(),
    argv: [...(typedIn(env[TYPED_ARGV]) ?? commandOf(argv))],
    ci: CI_VARIABLES.find((name) => !['', '0', 'false', undefined].includes(env[name])) ?? null,
  };
}

function typedIn(text: string | undefined): readonly string[] | null {
  if (text === undefined) return null;
  try {
    return z.array(z.string()).safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

// A user id without an entry, as in many containers, has no name.
function userName(): string | null {
  try {
    return userInfo().username;
  } catch {
    return null;
  }
}

/** A Node process's arguments without its binary, as they may be written down. */
function commandOf([, script = '', ...args]: readonly string[]): readonly string[] {
  return [scriptAsTyped(script), ...redacted(args)];
}

// Node makes the path absolute.
function scriptAsTyped(script: string): string {
  if (basename(dirname(script)) === '.bin') return basename(script);
  const path = relative(process.cwd(), script);
  return path.startsWith('..') || isAbsolute(path) ? script : path;
}

function redacted(args: readonly string[]): readonly string[] {
  return args.map((argument, index) => {
    const before = args[index - 1] ?? '';
    const isValue = before.startsWith('-') && !before.includes('=') && !argument.startsWith('-');
    return isValue && soundsSecret(before) ? REDACTED : withoutCredentials(withoutValue(argument));
  });
}

/** `--token=x`, and `params.hf_token=x` behind an option, keep their names only. */
function withoutValue(argument: string): string {
  const [assigned = ''] = /^(?:[^=]*=){0,3}/.exec(argument) ?? [];
  const names = assigned.split('=').slice(0, -1);
  const secret = names.findIndex((name) => soundsSecret(name.split(/[^\w-]/).at(-1) ?? ''));
  return secret === -1 ? argument : `${names.slice(0, secret + 1).join('=')}=${REDACTED}`;
}

function withoutCredentials(argument: string): string {
  return argument.replaceAll(/(?<=\w:\/\/)[^\s/@]+(?=@)/g, REDACTED);
}
