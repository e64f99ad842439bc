import { describe, expect, it } from 'vitest';
import { parseSince } from '../../../src/cli/since.ts';

const NOW = new Date('2026-11-22T10:00:00.000Z');
const since = (text: string): string => parseSince(text, NOW).toISOString();

describe('parseSince', () => {
  it.each([
    ['30d', '2026-10-23T10:00:00.000Z'],
    ['12h', '2026-11-21T22:00:00.000Z'],
    ['2w', '2026-11-08T10:00:00.000Z'],
    ['90m', '2026-11-22T08:30:00.000Z'],
    ['2026-10-01', '2026-10-01T00:00:00.000Z'],
    ['2026-10-01T12:30Z', '2026-10-01T12:30:00.000Z'],
  ])('%s is %s', (text, time) => {
    expect(since(text)).toBe(time);
  });

  it.each(['yesterday', '30', '-3d', '30 d', '2026-02-30', '2026-13-01', '2026-10-01T12:30', '99999999999w'])(
    '%s is none, and is named',
    (text) => {
      expect(() => since(text)).toThrow(
        expect.objectContaining({ code: 'USAGE', message: expect.stringContaining(text) }),
      );
    },
  );
});
