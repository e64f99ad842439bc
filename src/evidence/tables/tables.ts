/**
 * The rows of samples.parquet as columns, loaded once per run. Index `i` is the
 * same request in every column. Times are milliseconds.
 */
export interface SampleColumns {
  readonly rows: number;
  /**
   * A numeric column by its name in the file (`ttft_ms`, `output_tokens`, `ts`
   * in milliseconds since the Unix epoch). NaN stands for null; null means that
   * the file has no such numeric column.
   */
  numeric(name: string): Float64Array | null;
  /** 1 for a request that succeeded, else 0. */
  readonly ok: Uint8Array;
  readonly roles: readonly string[];
  readonly hosts: readonly string[];
  readonly requestIds: readonly string[];
  /** One of them, without unpacking them all; undefined where there is no such row. */
  requestId(row: number): string | undefined;
  /**
   * The gaps between streamed chunks of every request: those of row `i` are
   * `values[offsets[i]]` up to `values[offsets[i + 1]]`, exclusive. Null when
   * the file has no `itls_ms` column.
   */
  readonly itls: { readonly offsets: Int32Array; readonly values: Float64Array } | null;
}

/**
 * One metric of one role, host and rank from trajectory.parquet, in order of
 * step, then time. A value that was not measured (or not finite) is NaN.
 */
export interface Series {
  readonly metric: string;
  readonly role: string;
  readonly host: string;
  /** Null where the job has no ranks. */
  readonly rank: number | null;
  readonly steps: Float64Array;
  /** Milliseconds since the Unix epoch. */
  readonly tsMs: Float64Array;
  readonly values: Float64Array;
}
