import { setImmediate } from 'node:timers/promises';
import type { Wait } from '../../../../src/adapters/jax-js/all-reduce.ts';

/** Lets several ranks live in one thread, where none may block the others. */
export const waitInTurns: Wait = async (rounds, rank, round) => {
  while (Atomics.load(rounds, rank) < round) await setImmediate();
};
