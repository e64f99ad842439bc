import { parseArgs } from 'node:util';
import { z } from 'zod';
import { AssayError, messageOf } from '../../core/errors.ts';

const text = z.string().min(1, 'must not be empty');

const optionsSchema = z
  .strictObject({
    ranks: whole(1),
    steps: whole(1),
    microBatchSize: whole(1),
    sequenceLength: whole(2),
    learningRate: decimal(Number.MIN_VALUE),
    warmupSteps: whole(0),
    finalLearningRateShare: decimal(0),
    weightDecay: decimal(0),
    maxGradNorm: decimal(Number.MIN_VALUE),
    seed: whole(0),
    heldOutWindowLength: whole(2),
    corpus: text,
    corpusSha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits')
      .exactOptional(),
    out: text.exactOptional(),
  })
  .readonly();

/**
 * What a worker process is asked to do. `corpus` is a folder of text files, and `corpusSha256` the digest that the text
 * read from it must have; `out` is the folder that the model goes to, none is written without it.
 */
export type WorkerOptions = z.output<typeof optionsSchema>;

const names = Object.keys(optionsSchema.unwrap().shape) as (keyof WorkerOptions)[];

/** The argument list that makes a worker process do what `options` says. */
export function workerArgv(options: WorkerOptions): readonly string[] {
  return names.flatMap((name) => {
    const value = options[name];
    // One word per option, so that a value that starts with a dash is still a value.
    return value === undefined ? [] : [`--${flagOf(name)}=${value}`];
  });
}

/** Reads an argument list; every problem of it is reported in one error. */
export function parseWorkerArgv(argv: readonly string[]): WorkerOptions {
  const words = readWords(argv);
  const given = names.flatMap((name) => {
    const word = words[flagOf(name)];
    return word === undefined ? [] : [[name, word] as const];
  });
  const parsed = optionsSchema.safeParse(Object.fromEntries(given));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => {
    const flag = flagOf(String(path[0]));
    return words[flag] === undefined ? `--${flag} is missing` : `--${flag} ${message} (got ${words[flag]})`;
  });
  throw new AssayError('USAGE', problems.join('; '));
}

function readWords(argv: readonly string[]): Readonly<Record<string, string | undefined>> {
  const options = Object.fromEntries(names.map((name) => [flagOf(name), { type: 'string' as const }]));
  try {
    return parseArgs({ args: [...argv], options }).values as Readonly<Record<string, string | undefined>>;
  } catch (cause) {
    throw new AssayError('USAGE', messageOf(cause).split('\n', 1)[0] ?? '', { cause });
  }
}

function flagOf(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

type NumberWord = z.ZodPipe<z.ZodString, z.ZodTransform<number, string>>;

function whole(min: number): NumberWord {
  return numberWord((value) => Number.isSafeInteger(value) && value >= min, `must be a whole number from ${min} on`);
}

function decimal(min: number): NumberWord {
  const limit = min === 0 ? 'of 0 or more' : 'above 0';
  return numberWord((value) => Number.isFinite(value) && value >= min, `must be a number ${limit}`);
}

function numberWord(isFine: (value: number) => boolean, message: string): NumberWord {
  return z
    .string()
    .refine((word) => word.trim() !== '' && isFine(Number(word)), message)
    .transform(Number);
}
