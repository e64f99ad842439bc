import { describe, expect, it } from 'vitest';
import { selectRequests } from '../../../src/verdicts/run-tables.ts';
import { samplesOf } from './tables.ts';

const samples = samplesOf([
  { role: 'prefill' },
  { role: 'decode', ok: false },
  { role: 'decode' },
  { role: 'prefill' },
  { role: 'decode', ok: false },
]);

describe('selectRequests', () => {
  it.each([
    [undefined, [0, 2, 3], 2],
    ['prefill', [0, 3], 0],
    ['decode', [2], 2],
    ['router', [], 0],
  ])('tells the requests of role %s by how they ended, whatever else was asked before', (role, completed, failed) => {
    const requests = selectRequests(samples, role);
    expect([[...requests.completed], requests.failed]).toEqual([completed, failed]);
    expect(selectRequests(samples, role)).toBe(requests);
  });

  it('keeps two runs apart', () => {
    expect(selectRequests(samplesOf([{ ok: false }])).failed).toBe(1);
    expect(selectRequests(samplesOf([{ ok: true }])).failed).toBe(0);
  });
});
