import { z } from 'zod';

// JSON has no NaN, and a loss that is one must not look like a loss that was not measured.
const figure = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity']).transform(Number)]);

const lineSchema = z.discriminatedUnion('event', [
  /** What is about to be trained, and with what. */
  z.object({
    event: z.literal('start'),
    ranks: z.int(),
    parameters: z.int(),
    corpus_sha256: z.string(),
    jax_js: z.string(),
    node: z.string(),
  }),
  /** A finished step of one rank. */
  z.object({
    event: z.literal('step'),
    /** Counts from 0. */
    step: z.int(),
    rank: z.int(),
    /** Milliseconds since the Unix epoch. */
    ts_ms: z.number(),
    /** Of the whole batch, nats per token. */
    loss: figure,
    /** Of the whole batch's gradient, before it is clipped. */
    grad_norm: figure,
    learning_rate: z.number(),
    step_time_ms: z.number(),
    /** The part of the step in which gradients are exchanged, waiting for the other ranks included. */
    comm_ms: z.number(),
    /** The rest of the step. */
    compute_ms: z.number(),
    /** Of this rank's part of the batch. */
    tokens: z.int(),
    /** Of all ranks. */
    tokens_per_second: z.number(),
  }),
  /** The digest of a rank's weights after the last step. */
  z.object({ event: z.literal('weights'), rank: z.int(), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  /** How the trained weights do on the text that was held out. */
  z.object({
    event: z.literal('held_out'),
    /** Mean negative log-likelihood, nats per token. */
    nll: figure,
    windows: z.int(),
    window_length: z.int(),
  }),
  /** The model as it was written. */
  z.object({ event: z.literal('model'), file: z.string(), sha256: z.string(), bytes: z.int() }),
]);

/** A line that a worker process prints on its stdout. */
export type WorkerLine = z.output<typeof lineSchema>;

/** The step of one rank, as its line says it. */
export type StepFigures = Extract<WorkerLine, { event: 'step' }>;

/** A line as it is printed, without its end. */
export function renderLine(line: WorkerLine): string {
  return JSON.stringify(line, (_, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  );
}

/** Reads a printed line; null for anything else that a process may print. */
export function parseWorkerLine(line: string): WorkerLine | null {
  if (!line.startsWith('{"event":')) return null;
  try {
    const parsed = lineSchema.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data : null;
  } catch {
    // Cut short by the end of its process.
    return null;
  }
}
