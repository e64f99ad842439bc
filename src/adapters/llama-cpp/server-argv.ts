import { parseArgs } from 'node:util';
import { z } from 'zod';
import { AssayError, messageOf } from '../../core/errors.ts';

/** What the server process is asked to do; what is left out takes the server's default. */
export interface ServerOptions {
  /** Path of the GGUF file. */
  readonly model: string;
  /** Digest the file must have, 64 hex digits. */
  readonly modelSha256?: string | undefined;
  /** Name the model is served under; default: the file name without its extension. */
  readonly alias?: string | undefined;
  readonly host?: string | undefined;
  /** 0 lets the system choose; the start-up lines say which one it chose. */
  readonly port?: number | undefined;
  /** Tokens one slot can hold, prompt and output together; default: the trained context. */
  readonly ctxSize?: number | undefined;
  /** Number of slots: requests that generate at the same time. */
  readonly parallel?: number | undefined;
  readonly threads?: number | undefined;
  /** Sampling seed of a request that brings none. */
  readonly seed?: number | undefined;
  /** Requests that may wait for a slot; one more is refused. */
  readonly maxQueue?: number | undefined;
  /** Seconds that running requests get to finish after the first SIGTERM or SIGINT. */
  readonly drainTimeoutS?: number | undefined;
}

/** The largest seed: llama.cpp takes the 32-bit number above it for "choose one by the clock". */
export const maxSeed = 0xff_ff_ff_fe;

const text = z.string().min(1, { error: 'must not be empty' });

const settingsSchema = z
  .object({
    model: z.string({ error: 'is missing' }).min(1, { error: 'must not be empty' }),
    modelSha256: text
      .regex(/^[0-9a-f]{64}$/i, { error: 'must be 64 hex digits' })
      .toLowerCase()
      .optional(),
    alias: text.optional(),
    host: text.default('127.0.0.1'),
    port: wholeNumber(0, 65_535).default(0),
    ctxSize: wholeNumber(2, 1_048_576).optional(),
    parallel: wholeNumber(1, 64).default(1),
    threads: wholeNumber(1, 256).default(1),
    seed: wholeNumber(0, maxSeed).default(0),
    maxQueue: wholeNumber(0, 1_000_000).default(1024),
    drainTimeoutS: wholeNumber(0, 3600).default(10),
  } satisfies Record<keyof ServerOptions, z.ZodType>)
  .transform((settings) => ({ ...settings, alias: settings.alias ?? fileStem(settings.model) }))
  .readonly();

/** The options of a server process with every default filled in; no `ctxSize` means the trained context. */
export type ServerSettings = z.infer<typeof settingsSchema>;

/** What an argument list asks for. */
export type ServerCommand = { readonly kind: 'help' } | { readonly kind: 'serve'; readonly settings: ServerSettings };

const flags = {
  model: 'model',
  modelSha256: 'model-sha256',
  alias: 'alias',
  host: 'host',
  port: 'port',
  ctxSize: 'ctx-size',
  parallel: 'parallel',
  threads: 'threads',
  seed: 'seed',
  maxQueue: 'max-queue',
  drainTimeoutS: 'drain-timeout-s',
} as const satisfies Record<keyof ServerOptions, string>;

const optionNames = Object.keys(flags) as (keyof ServerOptions)[];

/** The text `--help` prints. */
export const serverUsage = `An OpenAI-compatible server for one GGUF model on this machine's CPU.

Usage: node server-main.js --model PATH [options]

  --model PATH           the GGUF file
  --model-sha256 HEX     refuse a file with another digest
  --alias NAME           name of the model in requests and metrics (default: the file name)
  --host HOST            address to listen on (default: 127.0.0.1)
  --port N               0 lets the system choose (default: 0)
  --ctx-size N           tokens per slot, prompt and output together (default: the trained context)
  --parallel N           slots: requests generating at the same time (default: 1)
  --threads N            threads of llama.cpp (default: 1)
  --seed N               sampling seed of requests without one (default: 0)
  --max-queue N          requests that may wait for a slot (default: 1024)
  --drain-timeout-s N    seconds running requests get after SIGTERM (default: 10)
  --help                 print this text
`;

/** The argument list that makes the server process do what `options` says; only what is given is passed. */
export function serverArgv(options: ServerOptions): readonly string[] {
  return optionNames.flatMap((name) => {
    const value = options[name];
    // One word per option, so that a value that starts with a dash is still a value.
    return value === undefined ? [] : [`--${flags[name]}=${value}`];
  });
}

/** Reads an argument list; every problem of it is reported in one error. */
export function parseServerArgv(argv: readonly string[]): ServerCommand {
  const words = readWords(argv);
  if (words['help'] === true) {
    return { kind: 'help' };
  }
  const parsed = settingsSchema.safeParse(Object.fromEntries(optionNames.map((name) => [name, words[flags[name]]])));
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => {
      const flag = flags[issue.path[0] as keyof ServerOptions];
      const value = words[flag];
      return `--${flag} ${issue.message}${value === undefined ? '' : ` (got ${JSON.stringify(value)})`}`;
    });
    throw usageError(problems.join('; '));
  }
  return { kind: 'serve', settings: parsed.data };
}

function readWords(argv: readonly string[]): Record<string, string | boolean | undefined> {
  const options = Object.fromEntries(Object.values(flags).map((flag) => [flag, { type: 'string' as const }]));
  try {
    return parseArgs({ args: [...argv], options: { ...options, help: { type: 'boolean' } } }).values;
  } catch (error) {
    throw usageError(messageOf(error).split('\n', 1)[0] ?? '', error);
  }
}

function usageError(message: string, cause?: unknown): AssayError {
  return new AssayError('USAGE', message, { hint: 'see --help', cause });
}

function wholeNumber(min: number, max: number): z.ZodPipe<z.ZodString, z.ZodTransform<number, string>> {
  return z
    .string()
    .refine((value) => /^\d{1,10}$/.test(value) && Number(value) >= min && Number(value) <= max, {
      error: `must be a whole number from ${min} to ${max}`,
    })
    .transform(Number);
}

function fileStem(path: string): string {
  return path.replace(/^.*[/\\]/, '').replace(/\.gguf$/i, '');
}
