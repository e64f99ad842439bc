import { describe, expect, it } from 'vitest';
import { watchSglang } from '../../../../src/adapters/sglang-disagg/progress.ts';
import { countWorkers } from '../../../../src/adapters/sglang-disagg/router-workers.ts';
import { requestOf } from '../shared/program-probe.ts';

const FROM = { role: 'bench', host: 'n1' };
const watch = (served = { requests: 0, tokens: 0 }) =>
  watchSglang(requestOf({ params: { concurrency: 1, isl: 8, osl: 8, num_prompts: 100 }, hosts: {} }), () => served);

describe('how far a load is', () => {
  it('is read off the bar, whose redraws may be one line', () => {
    const one = watch();
    one.line('  0%|          | 0/1 [00:00<?, ?it/s]\r100%|█████| 1/1 [00:00<00:00,  9.00it/s]', FROM);
    expect(one.status()).toMatchObject({ state: 'running', progress: { done: 0, total: 100 } });
    one.line('  8%|▊         | 8/100 [00:01<00:12,  7.41it/s]\r 12%|█▏        | 12/100 [00:01<00:11,  7.50it/s]', FROM);
    expect(one.status()).toMatchObject({ progress: { done: 12, total: 100, unit: 'req', rate: '7.50it/s' } });
  });

  it('is what the servers count where the bar is silent; every token is a sign of life', () => {
    const served = { requests: 0, tokens: 0 };
    const one = watch(served);
    const before = one.status();
    served.tokens = 5;
    const after = one.status();
    served.requests = 150;
    expect(one.status()).toMatchObject({ progress: { done: 100 } });
    if (before.state !== 'running' || after.state !== 'running') throw new Error('it broke');
    expect(after.mark).toBeGreaterThan(before.mark);
  });

  it.each([
    [50, 'running'],
    [49, 'broken'],
  ])('with %i of 100 completed is %s', (completed, state) => {
    const one = watch();
    one.line(`Successful requests:                     ${completed}        `, FROM);
    expect(one.status().state).toBe(state);
  });
});

describe('the servers that a router knows', () => {
  const worker = (role: string, url: string, isHealthy = true) => ({ role, url, isHealthy, load: 0 });

  it.each([
    ['both kinds', [worker('prefill', 'http://p'), worker('decode', 'http://d'), worker('decode', 'http://e')], [1, 2]],
    ['decode servers alone', [worker('decode', 'http://d')], [0, 1]],
    ['a sick one', [worker('prefill', 'http://p', false), worker('decode', 'http://d')], [0, 1]],
    ['ranks of one server', [worker('prefill', 'http://p@0'), worker('prefill', 'http://p@1')], [1, 0]],
    ['another kind', [worker('regular', 'http://r')], [0, 0]],
  ])('%s', (_name, workers, [prefill, decode]) => {
    expect(countWorkers(workers)).toEqual({ prefill, decode });
  });
});
