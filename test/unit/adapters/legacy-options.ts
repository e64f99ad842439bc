/**
 * An option of a legacy config and what becomes of it: the params that its value turns into, or null and the reason
 * that it is none.
 */
export type LegacyOption =
  | readonly [option: string, params: Readonly<Record<string, unknown>>]
  | readonly [option: string, params: null, reason: string];

/** The params that all options of a legacy config turn into together. */
export function paramsOf(options: readonly LegacyOption[]): Readonly<Record<string, unknown>> {
  return Object.assign({}, ...options.map(([, params]) => params ?? {})) as Readonly<Record<string, unknown>>;
}
