/** A JSON object. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/** Whether a value of JSON is an object. */
export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// A file that is wrong all over is told by its first mistakes: a manifest is to stay small.
const MAX_NOTES = 20;

/** What could not be kept of one run, each in a sentence with its place. */
export class Notes {
  readonly #sentences: string[] = [];
  #more = 0;

  add(sentence: string): void {
    if (this.#sentences.length < MAX_NOTES) this.#sentences.push(sentence);
    else this.#more += 1;
  }

  list(): readonly string[] {
    return this.#more === 0 ? this.#sentences : [...this.#sentences, `and ${this.#more} more like these`];
  }
}

/** Where an object stands: its file, with the line in a file of lines, and its path inside. */
export interface Place {
  /** `results.json`, or `results.jsonl:3`. */
  readonly where: string;
  /** Empty for a whole document or line, else `[2]` or `metrics`. */
  readonly path: string;
}

// Python's floats as JSON texts carry them.
const NON_FINITE = new Set(['inf', '-inf', 'nan', 'infinity', '-infinity']);

/** One object of a result file, read field by field: what is not what it should be is noted with its place, and null. */
export class Fields {
  readonly record: JsonRecord;
  readonly notes: Notes;
  readonly #place: Place;

  constructor(record: JsonRecord, place: Place, notes: Notes = new Notes()) {
    this.record = record;
    this.notes = notes;
    this.#place = place;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.record, name);
  }

  /** The value of a field; undefined where there is none. */
  value(name: string): unknown {
    return this.has(name) ? this.record[name] : undefined;
  }

  /** A finite number; null where it is missing or not finite. */
  number(name: string): number | null {
    return this.#numberIn(this.value(name), name);
  }

  /** A finite number of 0 or more. */
  amount(name: string): number | null {
    return this.#amountIn(this.value(name), name);
  }

  /** A time above 0: these tools write 0 for what was not measured. */
  time(name: string): number | null {
    return this.amount(name) || null;
  }

  /** The amount at one place of a list. */
  amountAt(name: string, index: number): number | null {
    const list = this.list(name);
    return list === null ? null : this.#amountIn(list[index], `${name}[${index}]`);
  }

  /** A whole number of 0 or more that a column of 32 bits can hold. */
  count(name: string): number | null {
    return this.#countIn(this.value(name), name);
  }

  /** The count at one place of a list. */
  countAt(name: string, index: number): number | null {
    const list = this.list(name);
    return list === null ? null : this.#countIn(list[index], `${name}[${index}]`);
  }

  /** A moment since the Unix epoch in milliseconds, from a number in units of which a millisecond has so many. */
  moment(name: string, unitsPerMs: number): number | null {
    const units = this.time(name);
    const momentMs = units === null ? null : units / unitsPerMs;
    if (momentMs === null || isPlausibleMoment(momentMs)) return momentMs;
    this.note(name, `is ${units}, no moment of these years`);
    return null;
  }

  text(name: string): string | null {
    const value = this.value(name);
    if (value === undefined || value === null) return null;
    if (typeof value === 'string') return value;
    this.note(name, `is ${show(value)}, no text`);
    return null;
  }

  /** A scalar as it is; a boolean that Python wrote as a text is one. */
  scalar(name: string): string | number | boolean | null {
    const value = this.value(name);
    if (typeof value === 'number') return Number.isFinite(value) ? value : null;
    if (value === 'true' || value === 'false') return value === 'true';
    return typeof value === 'string' || typeof value === 'boolean' ? value : null;
  }

  list(name: string): readonly unknown[] | null {
    const value = this.value(name);
    if (value === undefined || value === null) return null;
    if (Array.isArray(value)) return value;
    this.note(name, `is ${show(value)}, no list`);
    return null;
  }

  /** The object in a field, with the same notes; one without fields where it is missing. */
  child(name: string): Fields {
    const value = this.value(name);
    const isMissing = value === undefined || value === null;
    if (!isMissing && !isRecord(value)) this.note(name, `is ${show(value)}, no object`);
    const path = `${this.#place.path}${this.#place.path === '' ? '' : '.'}${name}`;
    return new Fields(isRecord(value) ? value : {}, { ...this.#place, path }, this.notes);
  }

  /** Notes a sentence about a field. */
  note(name: string, what: string): void {
    this.notes.add(`${this.at(name)} ${what}`);
  }

  /** The place of a field, or of the whole. */
  at(name = ''): string {
    const { where, path } = this.#place;
    const whole = path !== '' && name !== '' ? `${path}.${name}` : `${path}${name}`;
    return whole === '' ? where : `${where}: ${whole}`;
  }

  #numberIn(value: unknown, name: string): number | null {
    if (value === undefined || value === null) return null;
    if (typeof value === 'number') return Number.isFinite(value) ? value : null;
    if (typeof value !== 'string' || !NON_FINITE.has(value.toLowerCase()))
      this.note(name, `is ${show(value)}, no number`);
    return null;
  }

  #countIn(value: unknown, name: string): number | null {
    const amount = this.#amountIn(value, name);
    if (amount === null || (Number.isInteger(amount) && amount < 2 ** 31)) return amount;
    this.note(name, `is ${amount}, no count`);
    return null;
  }

  #amountIn(value: unknown, name: string): number | null {
    const amount = this.#numberIn(value, name);
    if (amount === null || amount >= 0) return amount;
    this.note(name, `is ${amount}, less than 0`);
    return null;
  }
}

const EARLIEST_MS = Date.UTC(2000, 0);
const LATEST_MS = Date.UTC(2100, 0);

/** Whether milliseconds since the Unix epoch are a moment at which a benchmark may have run. */
export function isPlausibleMoment(momentMs: number): boolean {
  return momentMs >= EARLIEST_MS && momentMs < LATEST_MS;
}

/** A value as a sentence shows it. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
