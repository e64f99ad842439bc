/**
 * One request as the load saw it: a row of samples.parquet. Times are
 * milliseconds; null means "not measured" and is never written as 0.
 */
export interface SampleRow {
  readonly requestId: string;
  /** Arrival of the request, milliseconds since the Unix epoch (fractions allowed). */
  readonly tsMs: number;
  /** Time to first token. */
  readonly ttftMs: number | null;
  /** Mean time per output token after the first: (last token - first token) / (output tokens - 1). */
  readonly tpotMs: number | null;
  /** Mean of this request's inter-token latencies. */
  readonly itlMs: number | null;
  /** End-to-end latency, scheduled arrival to last byte. */
  readonly e2elMs: number | null;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly role: string;
  readonly host: string;
  readonly ok: boolean;
  /** Why the request failed; null when it did not. */
  readonly error: string | null;
  /** How long after its scheduled arrival the request was sent; null in a closed loop. */
  readonly latenessMs: number | null;
  /** Every gap between two streamed chunks of this request. */
  readonly itlsMs: readonly number[];
  /** What the framework measures besides, by the names of its own columns; a column that is not here is null. */
  readonly more?: Readonly<Record<string, number | string | null>>;
}

/** A column that one framework adds to samples.parquet. */
export interface SampleColumn {
  readonly name: string;
  readonly type: 'DOUBLE' | 'BIGINT' | 'VARCHAR';
  /** The unit of the numbers, where they have one. */
  readonly unit?: string;
  readonly description: string;
}
