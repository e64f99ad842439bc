import { expect, it } from 'vitest';
import { zoneOffsetMs } from '../../../../src/adapters/shared/local-stamps.ts';

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
