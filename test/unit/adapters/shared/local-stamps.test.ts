import { describe, expect, it } from 'vitest';
import type { ParseContext } from '../../../../src/lifecycle/adapter.ts';
import { STAMPS_IN_UTC, stampOffsetMs, zoneOffsetMs } from '../../../../src/adapters/shared/local-stamps.ts';

const STARTED = Date.UTC(2026, 2, 1, 10);
const MINUTE = 60_000;

it.each([
  ['of UTC', 0.1, 0],
  ['of UTC, by a clock that is slow', -0.5, 0],
  ['of UTC, some minutes into the run', 13.9, 0],
  ['an hour ahead', 60.1, 60],
  ['five and a half hours ahead, by a clock that is slow', 329.5, 330],
  ['eight hours behind', -479, -480],
])('a first stamp %s, %d minutes from the start, is %d minutes off', (_, minutes, offset) => {
  expect(zoneOffsetMs(STARTED + minutes * MINUTE, STARTED)).toBe(offset * MINUTE);
});

describe('the stamps of a log', () => {
  const MINUTES_LATE = 100;
  const launch = (role: string, host: string, env: object) =>
    ({ role, host, env }) as unknown as ParseContext['run']['launches'][number];
  const log = { role: 'worker', host: 'n2', index: 1, lines: ['no stamp', `at ${MINUTES_LATE}`, 'at 900'] };
  const stampOf = (line: string): number | null => {
    const minutes = /^at (\d+)$/.exec(line)?.[1];
    return minutes === undefined ? null : STARTED + Number(minutes) * MINUTE;
  };

  it.each([
    ['in UTC, by a program that was launched so, however late', [launch('worker', 'n2', STAMPS_IN_UTC)], 0],
    ['of a zone that the first tells, by one that was launched otherwise', [launch('worker', 'n2', {})], 90],
    ['of a zone that the first tells, by one in a zone of its own', [launch('worker', 'n2', { TZ: 'Asia/Tokyo' })], 90],
    ['of a zone that the first tells, where only others were', [launch('worker', 'n1', STAMPS_IN_UTC)], 90],
    ['of a zone that the first tells, where nothing was launched', [], 90],
  ])('are %s', (_, launches, minutes) => {
    const run = { launches: [...launches], timestamp_start: new Date(STARTED).toISOString() };
    expect(stampOffsetMs(run, log, stampOf)).toBe(minutes * MINUTE);
  });

  it('are as they are where there is none', () => {
    const run = { launches: [], timestamp_start: new Date(STARTED).toISOString() };
    expect(stampOffsetMs(run, { ...log, lines: [] }, stampOf)).toBe(0);
  });
});
