import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineBuffer } from '../../../src/exec/line-buffer.ts';

/** The lines that a buffer tells of these pieces of one stream. */
function linesOf(pieces: readonly string[]): readonly string[] {
  const buffer = new LineBuffer();
  const lines: string[] = [];
  buffer.onLine((line) => lines.push(line));
  for (const piece of pieces) buffer.push('stdout', piece);
  buffer.end();
  return lines;
}

/** What is told of one line that ended: what was drawn over, then what is left. */
function drawings(line: string): readonly string[] {
  const drawn = line.replace(/\r$/, '').split('\r');
  return drawn.filter((text, index) => text !== '' || index === drawn.length - 1);
}

describe('LineBuffer', () => {
  it('tells the same lines however the text is cut', () => {
    const text = fc.array(fc.constantFrom('a', 'bc', '\n', '\r\n', ' ', '\r'), { maxLength: 20 });
    fc.assert(
      fc.property(text, fc.array(fc.nat(40)), (words, cuts) => {
        const whole = words.join('');
        const ends = [0, ...cuts.map((cut) => Math.min(cut, whole.length)).toSorted((a, b) => a - b), whole.length];
        const pieces = ends.slice(1).map((end, index) => whole.slice(ends[index], end));
        const ended = whole.split('\n');
        const lines = (ended.at(-1) === '' ? ended.slice(0, -1) : ended).flatMap(drawings);
        expect(linesOf(pieces)).toEqual(lines);
      }),
    );
  });

  it('tells what a progress bar draws as it is drawn, and keeps what it comes to', () => {
    const buffer = new LineBuffer();
    const heard: string[] = [];
    buffer.onLine((line) => heard.push(line));
    for (const piece of ['before\n', '\r10%', '\r20%', '\r30', '%\r', '\nafter\n']) buffer.push('stderr', piece);
    expect(heard).toEqual(['before', '10%', '20%', '30%', 'after']);
    expect(buffer.tail(9)).toEqual(['before', '30%', 'after']);
  });

  it('passes a line without an end on in pieces, and loses nothing of it', () => {
    const bars = Array.from({ length: 3000 }, (_, step) => `${step}%|${'#'.repeat(100)}|`);
    const lines = linesOf(bars);
    expect(lines.join('')).toBe(bars.join(''));
    expect(lines.length).toBeGreaterThan(3);
  });

  it('stops telling whoever asked for it', () => {
    const buffer = new LineBuffer();
    const heard: string[] = [];
    const stop = buffer.onLine((line) => heard.push(line));
    buffer.push('stdout', 'one\n');
    stop();
    buffer.push('stdout', 'two\n');
    expect([heard, buffer.tail(2)]).toEqual([['one'], ['one', 'two']]);
  });
});
