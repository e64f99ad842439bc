import type { DuckDBType, DuckDBValue } from '@duckdb/node-api';

/**
 * A value of an answer as plain data: a timestamp is an ISO text in UTC, an integer or a decimal that a number cannot
 * hold is the text of its digits, and a double may be NaN or infinite.
 */
export type Cell = null | boolean | number | string | readonly Cell[] | { readonly [name: string]: Cell };

/** A column of an answer. */
export interface AnswerColumn {
  readonly name: string;
  readonly isNumber: boolean;
}

/** What a column is, by its SQL type. */
export function columnOf(name: string, type: DuckDBType): AnswerColumn {
  return {
    name,
    isNumber: /^(?:U?(?:TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL|BIGNUM)(?:\(.*\))?$/.test(
      type.toString(),
    ),
  };
}

/** A value of DuckDB as plain data. */
export function cellOf(value: DuckDBValue): Cell {
  switch (typeof value) {
    case 'bigint':
      return exactNumber(String(value));
    case 'object':
      return value === null ? null : cellOfObject(value);
    default:
      return value;
  }
}

function cellOfObject(value: Exclude<DuckDBValue, null | boolean | number | bigint | string>): Cell {
  if ('items' in value) return value.items.map(cellOf);
  if ('entries' in value) {
    const { entries } = value;
    if (Array.isArray(entries)) return entries.map((entry) => ({ key: cellOf(entry.key), value: cellOf(entry.value) }));
    return Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, cellOf(entry)]));
  }
  if ('tag' in value) return cellOf(value.value);
  const text = String(value);
  return 'scale' in value ? exactNumber(text) : isoOf(text);
}

const LONGEST_EXACT = 15;

function exactNumber(digits: string): number | string {
  const isExact = Number.isSafeInteger(Number(digits)) || digits.replaceAll(/\D/g, '').length <= LONGEST_EXACT;
  return isExact ? Number(digits) : digits;
}

/** A point in time, which DuckDB prints with a blank: the session's zone is UTC. Everything else is as it is. */
function isoOf(text: string): string {
  return text.replace(/^(-?\d{4,}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)(?:\+00(?::00)?)?$/, '$1T$2Z');
}
