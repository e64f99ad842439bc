import { describe, expect, it } from 'vitest';
import { checkLoadPlan } from '../../../../src/adapters/shared/load-plan.ts';
import type { LoadPlan } from '../../../../src/adapters/shared/load-plan.ts';
import { planFor } from './openai-stub.ts';

const good = planFor('http://127.0.0.1:8000/base');

function problemOf(changes: Partial<LoadPlan>): string {
  try {
    checkLoadPlan({ ...good, ...changes });
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('checkLoadPlan', () => {
  it.each<Partial<LoadPlan>>([
    {},
    { warmupRequests: 0 },
    { arrival: { kind: 'open', requestRatePerSec: Infinity, burstiness: 0.1, maxConcurrency: 4 } },
    { arrival: { kind: 'open', requestRatePerSec: 0.01, burstiness: 1, maxConcurrency: null } },
  ])('accepts %j', (changes) => {
    expect(problemOf(changes)).toBe('');
  });

  it.each<[Partial<LoadPlan>, string]>([
    [{ baseUrl: '127.0.0.1:8000' }, 'baseUrl must be an http(s) address (127.0.0.1:8000)'],
    [{ baseUrl: 'file:///etc' }, 'baseUrl must be an http(s) address (file:///etc)'],
    [{ requests: 0 }, 'requests must be a whole number of at least 1 (0)'],
    [{ requests: 1.5 }, 'requests must be a whole number of at least 1 (1.5)'],
    [{ warmupRequests: -1 }, 'warmupRequests must be a whole number of at least 0 (-1)'],
    [{ vocabulary: { firstTokenId: 10, size: 10 } }, 'vocabulary.size must be a whole number of at least 11 (10)'],
    [{ arrival: { kind: 'closed', users: 0 } }, 'arrival.users must be a whole number of at least 1 (0)'],
    [{ requestTimeoutMs: 2 ** 31 }, 'requestTimeoutMs must be above 0 and at most 2147483647 (2147483648)'],
    [{ seed: 0.5 }, 'seed must be an integer (0.5)'],
  ])('refuses %j', (changes, problem) => {
    expect(problemOf(changes)).toBe(`load plan: ${problem}`);
  });

  it('names every problem at once', () => {
    const arrival = {
      kind: 'open',
      requestRatePerSec: NaN,
      burstiness: 0,
      maxConcurrency: 0,
    } as const;
    expect(problemOf({ arrival, model: '' })).toBe(
      'load plan: model must be a name (); arrival.requestRatePerSec must be above 0 (NaN); ' +
        'arrival.burstiness must be finite and above 0 (0); ' +
        'arrival.maxConcurrency must be a whole number of at least 1 (0)',
    );
  });
});
