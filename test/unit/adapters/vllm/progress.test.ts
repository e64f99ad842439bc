import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { watchVllm } from '../../../../src/adapters/vllm/progress.ts';
import { servedSince } from '../../../../src/adapters/vllm/served.ts';
import { parseMetrics } from '../../../../src/adapters/shared/metrics-scrape.ts';
import { requestOf } from '../shared/program-probe.ts';

const CELL = requestOf({ params: { concurrency: 2, isl: 8, osl: 8, num_prompts: 100 }, hosts: { server: ['n0'] } });
const FROM = { role: 'client', host: 'n0' };
const nothing = { answered: 0, tokens: 0 };

function after(lines: readonly string[], served = nothing) {
  const watch = watchVllm(CELL, () => served);
  for (const line of lines) watch.line(line, FROM);
  return watch.status();
}

describe('the progress of a load', () => {
  it('is what the bar of the client says last, in a line that is drawn again and again', () => {
    const bar =
      '\r  0%|          | 0/100 [00:00<?, ?it/s]\r 12%|█▏        | 12/100 [00:01<00:11,  7.41it/s]\r 13%|█▎        | 13/100 [00:02<00:11,  7.50it/s]';
    expect(after([bar])).toMatchObject({
      state: 'running',
      progress: { done: 13, total: 100, unit: 'req', rate: '7.50it/s' },
    });
  });

  it('is not that of the warm-up, which has a bar of its own', () => {
    expect(after(['\r100%|██████████| 4/4 [00:01<00:00,  4.00it/s]'])).toMatchObject({
      progress: { done: 0, total: 100 },
    });
  });

  it('is what the server has answered, while the bar is not there yet', () => {
    expect(after([], { answered: 40, tokens: 900 })).toMatchObject({ progress: { done: 40, total: 100 } });
    expect(after([], { answered: 140, tokens: 900 })).toMatchObject({ progress: { done: 100, total: 100 } });
  });

  it('is a sign of life with every line, request and token', () => {
    const marks = [
      after([]),
      after(['x']),
      after(['x'], { answered: 0, tokens: 5 }),
      after(['x'], { answered: 1, tokens: 5 }),
    ].map((status) => (status.state === 'running' ? status.mark : NaN));
    expect(marks.every((mark, index) => index === 0 || mark > (marks[index - 1] ?? Infinity))).toBe(true);
  });

  it.each([
    [{ good: 40, bad: 60 }, 'broken'],
    [{ good: 0, bad: 100 }, 'broken'],
    [{ good: 60, bad: 40 }, 'running'],
    [{ good: 0, bad: 9 }, 'running'],
  ])('is broken when more than half have failed: %o', ({ good, bad }, state) => {
    const pad = (label: string, count: number): string => `${label.padEnd(40)} ${String(count).padEnd(10)}`;
    const status = after([pad('Successful requests:', good), pad('Failed requests:', bad)]);
    expect(status.state).toBe(state);
    if (status.state === 'broken') {
      expect(status).toMatchObject({ predicate: 'error_rate', detail: `${bad} of ${good + bad} requests failed` });
    }
  });

  it('takes any line', () => {
    const pieces = fc.constantFrom(
      'Failed requests:',
      '|',
      '12/100',
      '[00:01<00:11,',
      '7.41it/s]',
      '\r',
      '99999999999999999999/100 [1:2]',
    );
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.string(),
            fc.array(pieces, { maxLength: 6 }).map((all) => all.join(' ')),
          ),
        ),
        (lines) => {
          const status = after(lines);
          if (status.state === 'running') expect(status.progress.done).toBeLessThanOrEqual(100);
        },
      ),
    );
  });
});

describe('what a server has served', () => {
  const at = (tokens: number, stop: number, length: number) =>
    parseMetrics(
      `vllm:generation_tokens_total{engine="0"} ${tokens}\nvllm:request_success_total{finished_reason="stop"} ${stop}\nvllm:request_success_total{finished_reason="length"} ${length}`,
    );

  it('is counted from the first look, and stays while a look fails', () => {
    const served = servedSince();
    expect(served.now()).toEqual(nothing);
    served.take(at(1000, 10, 20));
    expect(served.now()).toEqual(nothing);
    served.take(at(1100, 11, 22));
    served.take([]);
    expect(served.now()).toEqual({ answered: 3, tokens: 100 });
  });
});
