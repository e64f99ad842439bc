import { setTimeout as delay } from 'node:timers/promises';
import { AssayError } from '../../core/errors.ts';
import type { LossGradientOf } from './trainer.ts';

// Faults that tests put into a training, by the environment: no config can ask for them.
//
//   ASSAY_JAXJS_SLOW_RANK=1:40ms    rank 1 takes 40 ms longer for every step
//   ASSAY_JAXJS_NAN_AT_STEP=5       the data of step 5 (counted from 0) makes rank 0's loss and gradient NaN
//   ASSAY_JAXJS_DEAD_RANK=1:3       rank 1 dies in step 3 (counted from 0)

/** What is to go wrong on one rank. */
export interface Faults {
  /** Milliseconds. */
  readonly slowMs: number;
  readonly nanAtStep: number | null;
  readonly deadAtStep: number | null;
}

/** The faults that an environment asks for on a rank. */
export function faultsOf(env: Readonly<Record<string, string | undefined>>, rank: number): Faults {
  const slow = read(env, 'ASSAY_JAXJS_SLOW_RANK', /^(\d+):(\d+)ms$/);
  const nan = read(env, 'ASSAY_JAXJS_NAN_AT_STEP', /^(\d+)$/);
  const dead = read(env, 'ASSAY_JAXJS_DEAD_RANK', /^(\d+):(\d+)$/);
  return {
    slowMs: slow?.[0] === rank ? (slow[1] ?? 0) : 0,
    nanAtStep: rank === 0 ? (nan?.[0] ?? null) : null,
    deadAtStep: dead?.[0] === rank ? (dead[1] ?? null) : null,
  };
}

/** Work on the batch of each step in turn, with faults. */
export function withFaults(own: LossGradientOf, { slowMs, nanAtStep, deadAtStep }: Faults): LossGradientOf {
  let next = 0;
  return async (weights, windows) => {
    const step = next++;
    if (step === deadAtStep) throw new AssayError('SETUP_FAILED', `the fault that was asked for in step ${step}`);
    if (slowMs > 0) await delay(slowMs);
    const { loss, gradient } = await own(weights, windows);
    return step === nanAtStep ? { loss: Number.NaN, gradient: gradient.fill(Number.NaN) } : { loss, gradient };
  };
}

function read(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  shape: RegExp,
): readonly number[] | null {
  const value = env[name];
  if (value === undefined) return null;
  const match = shape.exec(value);
  if (match !== null) return match.slice(1).map(Number);
  throw new AssayError('USAGE', `${name}=${value} is no fault: it must match ${shape.source}`);
}
