import type { SampleColumn, SampleRow } from './samples.ts';
import type { TrajectoryRow } from './trajectory.ts';

/** What a row's accessor returns for each SQL type; a timestamp is milliseconds since the Unix epoch. */
export interface ColumnValues {
  readonly VARCHAR: string;
  readonly TIMESTAMP: number;
  readonly DOUBLE: number;
  readonly INTEGER: number;
  readonly BIGINT: number;
  readonly BOOLEAN: boolean;
  readonly 'DOUBLE[]': readonly number[];
}

/** The type of a column, named as SQL names it. TIMESTAMP is microseconds without a zone. */
export type ColumnType = keyof ColumnValues;

/** One column of one SQL type, read from a row by `of`. */
export interface ColumnOf<Row, Type extends ColumnType> {
  readonly name: string;
  readonly type: Type;
  /** Whether the value may be missing. A non-finite number in a nullable column is written as null. */
  readonly nullable: boolean;
  /** The unit of the numbers, where they have one. */
  readonly unit?: string;
  readonly description: string;
  readonly of: (row: Row) => ColumnValues[Type] | null;
}

/** One column of a sidecar table, whatever its type. */
export type Column<Row> = { [Type in ColumnType]: ColumnOf<Row, Type> }[ColumnType];

/** A sidecar table: everything its live stream, its Parquet file and its documentation are made from. */
export interface TableSchema<Row> {
  readonly name: 'samples' | 'trajectory';
  /** Raised when a column is renamed, retyped or removed; a new column does not raise it. */
  readonly version: string;
  readonly columns: readonly Column<Row>[];
}

/** samples.parquet, one row per request: what every framework has. */
export const samplesTable: TableSchema<SampleRow> = {
  name: 'samples',
  version: '1',
  columns: [
    {
      name: 'request_id',
      type: 'VARCHAR',
      nullable: false,
      description: 'The request, unique in this run.',
      of: (row) => row.requestId,
    },
    {
      name: 'ts',
      type: 'TIMESTAMP',
      nullable: false,
      unit: 'UTC',
      description: 'Arrival of the request.',
      of: (row) => row.tsMs,
    },
    {
      name: 'ttft_ms',
      type: 'DOUBLE',
      nullable: true,
      unit: 'ms',
      description: 'Time to first token.',
      of: (row) => row.ttftMs,
    },
    {
      name: 'tpot_ms',
      type: 'DOUBLE',
      nullable: true,
      unit: 'ms',
      description: 'Mean time per output token after the first.',
      of: (row) => row.tpotMs,
    },
    {
      name: 'itl_ms',
      type: 'DOUBLE',
      nullable: true,
      unit: 'ms',
      description: 'Mean of the inter-token latencies of the request.',
      of: (row) => row.itlMs,
    },
    {
      name: 'e2el_ms',
      type: 'DOUBLE',
      nullable: true,
      unit: 'ms',
      description: 'End-to-end latency, scheduled arrival to last byte.',
      of: (row) => row.e2elMs,
    },
    {
      name: 'output_tokens',
      type: 'INTEGER',
      nullable: true,
      unit: 'tokens',
      description: 'Tokens produced.',
      of: (row) => row.outputTokens,
    },
    {
      name: 'role',
      type: 'VARCHAR',
      nullable: false,
      description: 'The role that served the request.',
      of: (row) => row.role,
    },
    {
      name: 'host',
      type: 'VARCHAR',
      nullable: false,
      description: 'The host that served the request.',
      of: (row) => row.host,
    },
    {
      name: 'input_tokens',
      type: 'INTEGER',
      nullable: true,
      unit: 'tokens',
      description: 'Tokens of the prompt.',
      of: (row) => row.inputTokens,
    },
    {
      name: 'ok',
      type: 'BOOLEAN',
      nullable: false,
      description: 'Whether the request succeeded.',
      of: (row) => row.ok,
    },
    {
      name: 'error',
      type: 'VARCHAR',
      nullable: true,
      description: 'Why the request failed; null when it did not.',
      of: (row) => row.error,
    },
    {
      name: 'lateness_ms',
      type: 'DOUBLE',
      nullable: true,
      unit: 'ms',
      description: 'How long after its scheduled arrival the request was sent; null in a closed loop.',
      of: (row) => row.latenessMs,
    },
    {
      name: 'itls_ms',
      type: 'DOUBLE[]',
      nullable: false,
      unit: 'ms',
      description: 'Every gap between two streamed chunks; a gap that is not finite is null.',
      of: (row) => row.itlsMs,
    },
  ],
};

/** samples.parquet of a framework that adds columns of its own, which its rows carry in `more`. */
export function samplesTableWith(columns: readonly SampleColumn[]): TableSchema<SampleRow> {
  return { ...samplesTable, columns: [...samplesTable.columns, ...columns.map(ownColumn)] };
}

function ownColumn({ name, type, ...rest }: SampleColumn): Column<SampleRow> {
  // What a column cannot hold is refused when the row is appended.
  const of = (row: SampleRow): never => (row.more?.[name] ?? null) as never;
  return { name, type, nullable: true, ...rest, of };
}

/** trajectory.parquet, long format: one row per point of one metric. */
export const trajectoryTable: TableSchema<TrajectoryRow> = {
  name: 'trajectory',
  version: '1',
  columns: [
    {
      name: 'step',
      type: 'BIGINT',
      nullable: false,
      description: 'Step of the workload, counted by the workload.',
      of: (row) => row.step,
    },
    {
      name: 'ts',
      type: 'TIMESTAMP',
      nullable: false,
      unit: 'UTC',
      description: 'When the step was reported.',
      of: (row) => row.tsMs,
    },
    { name: 'metric', type: 'VARCHAR', nullable: false, description: 'Name of the metric.', of: (row) => row.metric },
    {
      name: 'value',
      type: 'DOUBLE',
      nullable: true,
      description: 'The value; null when it was not finite.',
      of: (row) => row.value,
    },
    {
      name: 'role',
      type: 'VARCHAR',
      nullable: false,
      description: 'The role that reported it.',
      of: (row) => row.role,
    },
    {
      name: 'host',
      type: 'VARCHAR',
      nullable: false,
      description: 'The host that reported it.',
      of: (row) => row.host,
    },
    {
      name: 'rank',
      type: 'INTEGER',
      nullable: true,
      description: 'Rank of a distributed job; null where there is none.',
      of: (row) => row.rank,
    },
  ],
};
