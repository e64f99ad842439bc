import { Bool, Field, Float64, Int32, Int64, List, Schema, TimeUnit, Timestamp, Utf8 } from 'apache-arrow';
import type { DataType } from 'apache-arrow';
import type { ColumnType, TableSchema } from './column-schema.ts';

const arrowTypes: Readonly<Record<ColumnType, DataType>> = {
  VARCHAR: new Utf8(),
  TIMESTAMP: new Timestamp(TimeUnit.MICROSECOND, null),
  DOUBLE: new Float64(),
  INTEGER: new Int32(),
  BIGINT: new Int64(),
  BOOLEAN: new Bool(),
  'DOUBLE[]': new List(new Field('item', new Float64(), true)),
};

/** The Arrow type in which a column of this SQL type is streamed. */
export function arrowType(type: ColumnType): DataType {
  return arrowTypes[type];
}

/** The Arrow schema of a table; it names the table and its version in its metadata. */
export function arrowSchema(table: TableSchema<never>): Schema {
  return new Schema(
    table.columns.map((column) => new Field(column.name, arrowType(column.type), column.nullable)),
    new Map([
      ['assay.table', table.name],
      ['assay.schema_version', table.version],
    ]),
  );
}
