import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noSecrets } from '../../../src/core/scrubber.ts';
import { ExitReport, betweenReports, exitOf, firstReport, reportToken } from '../../../src/exec/remote-report.ts';

const token = reportToken();
/** Text that is rich in what looks like a report. */
const said = fc.string({ unit: fc.constantFrom('a', '\n', ' ', 'assay-', token.slice(0, 9), token.slice(0, -1), 'ä') });
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 });

function pieces<T extends string | Buffer>(whole: T, at: readonly number[]): readonly T[] {
  const ends = [...at.map((share) => Math.floor(share * whole.length)), whole.length].toSorted((a, b) => a - b);
  return ends.map((end, index) => whole.slice(index === 0 ? 0 : ends[index - 1], end) as T);
}

describe('ExitReport', () => {
  it('takes the report out wherever the stream is cut, and nothing else', () => {
    fc.assert(
      fc.property(said, said, cuts, (before, after, at) => {
        const report = new ExitReport(token);
        const stream = report.takenFrom(noSecrets).stream();
        const passed = pieces(`${before}${token} exit 3 \n${after}`, at).map((piece) => stream.push(piece));
        expect(passed.join('') + stream.end()).toBe(before + after);
      }),
    );
  });

  it('knows the end once both streams told it', async () => {
    const report = new ExitReport(token);
    const scrubber = report.takenFrom(noSecrets);
    const [stdout, stderr] = [scrubber.stream(), scrubber.stream()];
    expect(stdout.push(`out${token} exit 143 TERM\n`)).toBe('out');
    expect(report.exit).toBeNull();
    expect(stderr.push(`err${token} exit 143 TERM\n`)).toBe('err');
    expect(report.exit).toEqual({ kind: 'signalled', signal: 'SIGTERM' });
    expect(await report.settled).toBe(report.exit);
  });

  it('passes on what was held back when the stream ends without a report', () => {
    const stream = new ExitReport(token).takenFrom(noSecrets).stream();
    expect([stream.push(`x ${token.slice(0, 5)}`), stream.end()]).toEqual(['x ', token.slice(0, 5)]);
  });

  it('hides secrets of what it passes on', () => {
    const scrub = (text: string): string => text.replaceAll('hunter2', '***');
    const stream = new ExitReport(token).takenFrom({ scrub, stream: () => ({ push: scrub, end: () => '' }) }).stream();
    expect(stream.push(`hunter2${token} exit 0 \n`)).toBe('***');
  });
});

describe('firstReport', () => {
  it('reads up to the first report, and leaves the rest in the stream', async () => {
    await fc.assert(
      fc.asyncProperty(said, said, cuts, async (before, after, at) => {
        const stream = new PassThrough();
        const bytes = Buffer.from(`${before}${token} pid 7 x\n${after}`);
        for (const piece of pieces(bytes, at)) if (piece.length > 0) stream.write(piece);
        stream.end();
        expect(await firstReport(stream, token)).toEqual({ before, words: ['pid', '7', 'x'] });
        expect(Buffer.concat(await stream.toArray()).toString()).toBe(after);
      }),
    );
  });

  it('keeps what was said instead of a report', async () => {
    const stream = new PassThrough();
    stream.end('Permission denied');
    expect(await firstReport(stream, token)).toEqual({ before: 'Permission denied', words: null });
  });
});

describe('betweenReports', () => {
  it('takes what stands between the first and the last report, or what there is', () => {
    const begin = `noise${token} pid 7\n`;
    fc.assert(
      fc.property(said, (body) => {
        const whole = betweenReports(`${begin}${body}${token} exit 3 \nlate`, token);
        expect(whole).toEqual({ first: ['pid', '7'], last: ['exit', '3'], body });
        expect(betweenReports(`${begin}${body}`, token)).toEqual({ first: ['pid', '7'], last: ['pid', '7'], body });
        expect(betweenReports(body, token)).toEqual({ first: [], last: [], body });
      }),
    );
  });
});

describe('exitOf', () => {
  it.each([
    [['exit', '0'], { kind: 'exited', code: 0 }],
    [['exit', '255'], { kind: 'exited', code: 255 }],
    [['exit', '255', '127'], { kind: 'exited', code: 255 }],
    [['exit', '137', 'KILL'], { kind: 'signalled', signal: 'SIGKILL' }],
    [['exit', '163', 'RTMIN+1'], { kind: 'exited', code: 163 }],
    [['pid', '1'], null],
  ])('reads %j', (words, exit) => {
    expect(exitOf(words)).toEqual(exit);
  });
});
