/** Things made in order before they are asked for. */
interface PreparedQueue<T> {
  /** The next one, made on the spot if none is ready. */
  take(): T;
}

interface PrepareOptions<T> {
  readonly count: number;
  /** At most this many wait at a time. */
  readonly ahead: number;
  readonly prepare: (index: number) => T;
}

/**
 * Makes the first `ahead` at once and one more in a later turn of the event
 * loop for each that is taken, so that a burst of requests is not spread out by
 * the time it takes to write their bodies.
 */
export function prepareAhead<T>({ count, ahead, prepare }: PrepareOptions<T>): PreparedQueue<T> {
  const ready = new Map<number, T>();
  let made = 0;
  let taken = 0;
  const makeOne = (): void => {
    if (made >= count || ready.size >= ahead) return;
    ready.set(made, prepare(made));
    made += 1;
  };
  while (made < Math.min(count, ahead)) makeOne();
  return {
    take() {
      const index = taken;
      taken += 1;
      const thing = ready.get(index) ?? prepare(index);
      ready.delete(index);
      made = Math.max(made, taken);
      setImmediate(makeOne);
      return thing;
    },
  };
}
