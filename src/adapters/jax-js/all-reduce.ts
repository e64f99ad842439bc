/** Memory in which ranks add up arrays of one length; it may cross a thread border. */
export interface SharedSum {
  readonly ranks: number;
  readonly length: number;
  /** Per rank the number of its last round, then two slots for each rank's array. */
  readonly memory: SharedArrayBuffer;
}

/** Replaces an array by the sum of the arrays that all ranks bring to this round. */
export type AllReduce = (values: Float32Array) => Promise<void>;

/** Settles when a rank has come to a round, or to a later one. */
export type Wait = (rounds: Int32Array, rank: number, round: number) => void | Promise<void>;

/** Reserves the memory for sums of `length` numbers over `ranks` ranks. */
export function allocateSum(ranks: number, length: number): SharedSum {
  const numbers = ranks + 2 * ranks * length;
  return { ranks, length, memory: new SharedArrayBuffer(numbers * Float32Array.BYTES_PER_ELEMENT) };
}

/**
 * One rank's part in the sums of a shared memory. Every rank adds up in the order of ranks, whichever came first: all of
 * them get the same bits.
 */
export function joinSum({ ranks, length, memory }: SharedSum, rank: number, wait: Wait = block): AllReduce {
  const rounds = new Int32Array(memory, 0, ranks);
  const slots = new Float32Array(memory, rounds.byteLength);
  const arraysOf = (round: number): readonly Float32Array[] =>
    Array.from({ length: ranks }, (_, owner) => {
      // A rank can be one round ahead of one that still reads, never two: two slots in turn are enough.
      const start = ((round % 2) * ranks + owner) * length;
      return slots.subarray(start, start + length);
    });
  let round = 0;

  return async (values) => {
    if (values.length !== length) throw new RangeError(`${values.length} values, and the sum is of ${length}`);
    round += 1;
    const arrays = arraysOf(round);
    arrays[rank]?.set(values);
    Atomics.store(rounds, rank, round);
    Atomics.notify(rounds, rank);
    for (let other = 0; other < ranks; other += 1) await wait(rounds, other, round);
    addUp(arrays, values);
  };
}

/** Stops this thread until the rank has come; a main thread of a page could not, a worker thread can. */
function block(rounds: Int32Array, rank: number, round: number): void {
  for (;;) {
    const seen = Atomics.load(rounds, rank);
    if (seen >= round) return;
    Atomics.wait(rounds, rank, seen);
  }
}

function addUp(arrays: readonly Float32Array[], sum: Float32Array): void {
  for (let index = 0; index < sum.length; index += 1) {
    let total = arrays[0]?.[index] ?? 0;
    for (let rank = 1; rank < arrays.length; rank += 1) total += arrays[rank]?.[index] ?? 0;
    sum[index] = total;
  }
}
