import type { LaunchedRole } from './adapter.ts';

const LINES_OF_ONE = 8;
const LINES_OF_EACH = 3;

/** The last lines that the roles of a run printed, as evidence; of several roles, each line says whose it is. */
export function lastLines(launched: readonly LaunchedRole[]): readonly string[] {
  const [first, ...others] = launched;
  if (first === undefined || others.length === 0) return first?.process.tail(LINES_OF_ONE) ?? [];
  return launched.flatMap(({ role, host, process }) =>
    process.tail(LINES_OF_EACH).map((line) => `${role}.${host}: ${line}`),
  );
}
