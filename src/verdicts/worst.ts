import type { SampleColumns } from '../evidence/tables/tables.ts';
import type { Verdict } from '../evidence/verdict.ts';

const KEPT = 3;

/** Keeps the rows with the worst values seen so far, worst first. */
export class WorstRows {
  readonly #sign: number;
  readonly #values = new Float64Array(KEPT).fill(-Infinity);
  readonly #rows = new Int32Array(KEPT).fill(-1);
  /** A value has to beat this to be kept. */
  #bar = -Infinity;

  constructor(worst: 'highest' | 'lowest') {
    this.#sign = worst === 'highest' ? 1 : -1;
  }

  /** Considers one row; of equal values the first stays. */
  offer(value: number, row: number): void {
    const badness = value * this.#sign;
    if (badness > this.#bar) this.#keep(badness, row);
  }

  #keep(badness: number, row: number): void {
    let place = KEPT - 1;
    for (; place > 0 && badness > (this.#values[place - 1] ?? Infinity); place--) {
      this.#values[place] = this.#values[place - 1] ?? -Infinity;
      this.#rows[place] = this.#rows[place - 1] ?? -1;
    }
    this.#values[place] = badness;
    this.#rows[place] = row;
    this.#bar = this.#values[KEPT - 1] ?? -Infinity;
  }

  /** The kept rows by the ids of their requests. */
  list(samples: SampleColumns): NonNullable<Verdict['evidence']['worst']> {
    return [...this.#rows].flatMap((row, place) => {
      const id = samples.requestId(row);
      return id === undefined ? [] : [{ request_id: id, value: (this.#values[place] ?? NaN) * this.#sign }];
    });
  }
}
