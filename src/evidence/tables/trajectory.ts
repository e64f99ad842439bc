/** One point of a time series: a row of trajectory.parquet (long format). */
export interface TrajectoryRow {
  readonly step: number;
  /** Milliseconds since the Unix epoch. */
  readonly tsMs: number;
  readonly metric: string;
  readonly value: number;
  readonly role: string;
  readonly host: string;
  /** Rank of a distributed job; null where there is none. */
  readonly rank: number | null;
}
