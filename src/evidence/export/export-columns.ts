import { sqlName } from '../duckdb.ts';
import { FIXED_COLUMNS } from '../store/fact.ts';
import type { FactType, FactValue } from '../store/fact.ts';

/** What the values of a column that were staged have in common: JSON for several types, null when all are null. */
export type StagedType = FactType | 'JSON' | null;

/** The type of a staged column once it has one more value. */
export function withValue(name: string, type: StagedType, value: FactValue): StagedType {
  if (value === null) return type;
  const own = FIXED_COLUMNS.get(name) ?? TYPES[typeof value as keyof typeof TYPES];
  return type === null || type === own ? own : 'JSON';
}

const TYPES = { string: 'VARCHAR', number: 'DOUBLE', boolean: 'BOOLEAN' } as const satisfies Record<string, FactType>;

/** A column of a fact file: its type there, and the SQL that reads it as that type from each source. */
export interface FactColumn {
  readonly name: string;
  readonly type: FactType;
  readonly fromStaged: string;
  readonly fromStored: string;
}

/**
 * The columns of a fact file from what was staged and what it holds: those that every row has first, the others by
 * name. A column that has values of several types is text.
 */
export function factColumns(
  staged: ReadonlyMap<string, StagedType>,
  stored: ReadonlyMap<string, FactType>,
): readonly FactColumn[] {
  const names = new Set([...staged.keys(), ...stored.keys()]);
  const fixed = [...FIXED_COLUMNS.keys()].filter((name) => names.has(name));
  const others = [...names].filter((name) => !FIXED_COLUMNS.has(name)).sort();
  return [...fixed, ...others].map((name) => {
    const [stagedType, storedType] = [staged.get(name) ?? null, stored.get(name) ?? null];
    const type = FIXED_COLUMNS.get(name) ?? commonType(stagedType, storedType);
    return {
      name,
      type,
      fromStaged: reading(name, stagedType, type),
      fromStored: reading(name, storedType, type),
    };
  });
}

function commonType(staged: StagedType, stored: FactType | null): FactType {
  const [first = null, second = null] = [staged, stored].filter((type) => type !== null);
  // Only figures are null wherever they were looked for.
  if (first === null) return 'DOUBLE';
  return first === 'JSON' || (second !== null && second !== first) ? 'VARCHAR' : first;
}

function reading(name: string, from: StagedType, to: FactType): string {
  const column = sqlName(name);
  if (from === null) return `NULL::${to}`;
  if (from === to) return column;
  if (from === 'DOUBLE') return numberText(column);
  if (from !== 'JSON') return `${column}::VARCHAR`;
  const isNumber = `json_type(${column}) IN ('UBIGINT', 'BIGINT', 'HUGEINT', 'DOUBLE')`;
  return `CASE WHEN ${isNumber} THEN ${numberText(`${column}::DOUBLE`)} ELSE ${column}->>'$' END`;
}

/** A number as people write it: 16, not 16.0. */
function numberText(number: string): string {
  const isWhole = `${number} = trunc(${number}) AND abs(${number}) < 1e15`;
  return `CASE WHEN ${isWhole} THEN (${number})::BIGINT::VARCHAR ELSE (${number})::VARCHAR END`;
}
