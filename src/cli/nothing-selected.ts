import { AssayError } from '../core/errors.ts';
import type { VitestPlan } from './user-vitest.ts';

/** Why a plan has no claim that is asked for, as the plugin says it; null when there is one. */
export function nothingSelected({ sessions }: VitestPlan): AssayError | null {
  if (sessions.some(({ claims }) => claims.length > 0)) return null;
  // Projects that share a session share its explanation.
  const explanations = new Set(sessions.map((session) => session.explainEmpty().join('\n')));
  return new AssayError('SELECTION_INVALID', [...explanations].join('\n'));
}
