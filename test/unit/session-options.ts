import type { SessionOptions } from '../../src/session/plan.ts';

/** The options of a session on this machine alone, with what a test says instead. */
export function sessionOptions(given: Pick<SessionOptions, 'root'> & Partial<SessionOptions>): SessionOptions {
  return { configs: ['*.yaml'], cluster: null, artifacts: 'runs', overrides: [], onlyCells: [], ...given };
}
