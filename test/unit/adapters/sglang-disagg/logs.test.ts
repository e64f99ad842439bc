import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findRefusal, readRouterLine, readRouterLog } from '../../../../src/adapters/sglang-disagg/router-log.ts';
import {
  isSglangStartupLine as isStartupLine,
  readSglangStartup as readStartup,
} from '../../../../src/adapters/shared/sglang-startup.ts';
import { noSamples } from '../shared/results/files.ts';

const STARTING =
  '2026-11-04 10:05:37  INFO sglang_router_rs::server: src/server.rs:863: Starting router on 0.0.0.0:8000 | ' +
  'mode: PrefillDecode { prefill_urls: [("http://p:1", Some(8998))], decode_urls: ["http://d:2"], prefill_policy: Some(PowerOfTwo { interval: 5 }), decode_policy: None } | ' +
  'policy: CacheAware { cache_threshold: 0.3 } | max_payload: 512MB';

describe('a line of the router', () => {
  it.each([
    [
      '[Router (Rust)] 2026-03-08 02:33:09 - INFO - Worker http://w:1 is well',
      { stamp: '2026-03-08 02:33:09', level: 'INFO', target: null, message: 'Worker http://w:1 is well' },
    ],
    [
      '2026-10-07 23:31:33 ERROR sglang_router_rs::core::worker: src/core/worker.rs:517: no way',
      { stamp: '2026-10-07 23:31:33', level: 'ERROR', target: 'sglang_router_rs::core::worker', message: 'no way' },
    ],
    [
      '2026-07-30 00:09:07  INFO sglang_router_rs::server: src/server.rs:236: 🚧 Port: 1',
      { stamp: '2026-07-30 00:09:07', level: 'INFO', target: 'sglang_router_rs::server', message: '🚧 Port: 1' },
    ],
  ])('%s', (line, parsed) => {
    expect(readRouterLine(line)).toEqual(parsed);
    expect(readRouterLine(`\u001B[2m${line}\u001B[0m\r`)).toEqual(parsed);
  });

  it.each(['AUTOTUNE mm(4x4096, 4096x8)', '', '2026-10-07 23:31:33', '[Router (Rust)] 2026-03-08 - INFO - x'])(
    'is none: %s',
    (line) => {
      expect(readRouterLine(line)).toBeNull();
    },
  );

  it('never fails, and makes nothing of noise', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => readRouterLine(text) === null));
  });
});

describe('the log of the router', () => {
  it('names its policies, those of one side before that of both', () => {
    expect(readRouterLog([STARTING])).toEqual({
      prefillPolicy: 'power_of_two',
      decodePolicy: 'cache_aware',
      errors: 0,
    });
    expect(
      readRouterLog(['2026-07-30 00:09:07  INFO sglang_router_rs::server: src/server.rs:247: 🚧 Policy: RoundRobin']),
    ).toMatchObject({ prefillPolicy: 'round_robin' });
    expect(readRouterLog(['something else'])).toEqual({ prefillPolicy: null, decodePolicy: null, errors: 0 });
  });

  it('counts errors, and none while servers start', () => {
    const pending =
      '[Router (Rust)] 2026-03-08 02:33:09 - INFO - Worker http://w:1 health check is pending with error: refused';
    const failed =
      '2026-10-07 23:31:33 ERROR sglang_router_rs::core::worker: src/core/worker.rs:517: Failed to connect';
    expect(readRouterLog([pending, pending, failed]).errors).toBe(1);
  });

  it.each([
    ['Failed job: type=AddWorker, worker=http://p:1, duration=9.113s, error=Workflow failed at step a: b=c, d'],
    ['Failed job: type=AddWorker, worker=http://p:1, error=Workflow failed at step a: b=c, d'],
    ['Worker 3 failed job: type=AddWorker, worker=http://p:1, duration=1.0s, error=Workflow failed at step a: b=c, d'],
  ])('says which server it gave up: %s', (message) => {
    const line = (text: string): string =>
      `2026-11-04 10:05:37  WARN sglang_router_rs::core::job_queue: src/core/job_queue.rs:622: ${text}`;
    const refusal = { url: 'http://p:1', reason: 'Workflow failed at step a: b=c, d' };
    expect(findRefusal([STARTING, line(message), line(message.replace(':1', ':2'))])).toEqual(refusal);
    expect(findRefusal([`\u001B[33m${line(message)}\u001B[0m\r`])).toEqual(refusal);
    expect(findRefusal([STARTING, line(message.replace('AddWorker', 'RemoveWorker'))])).toBeNull();
  });

  it.skipIf(noSamples !== null)(`reads every published line (${noSamples ?? 'they are here'})`, () => {
    const folder = new URL('../../../../../shared/samples/sglang-router/', import.meta.url).pathname;
    const files = readdirSync(folder).filter((name) => name.endsWith('.log'));
    const read = files.map((name) => {
      const lines = readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean);
      // Stamped lines are the router's own, counted here by what they begin with.
      const own = lines.filter((text) => /^(?:\[Router|20\d\d-)/.test(text)).length;
      expect([name, lines.filter((text) => readRouterLine(text) !== null).length]).toEqual([name, own]);
      return { name: name.replace(/_.*/, '') + own, ...readRouterLog(lines) };
    });
    expect(read.map(({ errors, prefillPolicy }) => [errors, prefillPolicy])).toEqual([
      [0, null],
      [2, null],
      [0, 'cache_aware'],
    ]);
  });
});

const ARGS =
  "server_args=ServerArgs(model_path='m', quantization=None, kv_cache_dtype='fp8_e4m3', tp_size=8, context_length=None, attention_backend='aiter', decode_attention_backend=None, disaggregation_mode='decode', disaggregation_transfer_backend='mooncake', last=1)";

describe('the log of a server', () => {
  it('says what it runs with', () => {
    const facts = readStartup([
      `[2026-03-12 00:03:06] INFO engine.py:177: ${ARGS}`,
      '[aiter] import [module_rmsnorm] under /x.so',
      '[2026-03-12 00:03:07 TP0] Load weight end. type=LlamaForCausalLM, dtype=torch.bfloat16, avail mem=1.00 GB, mem usage=2.00 GB.',
    ]);
    expect(facts).toEqual({
      args: {
        quantization: 'None',
        kv_cache_dtype: 'fp8_e4m3',
        tp_size: '8',
        context_length: 'None',
        attention_backend: 'aiter',
        decode_attention_backend: 'None',
        disaggregation_mode: 'decode',
        disaggregation_transfer_backend: 'mooncake',
      },
      chosenAttention: null,
      weights: 'bfloat16',
      hasLoadedAiter: true,
    });
  });

  it.each([
    [
      '[2026-03-12 00:03:06] INFO server_args.py:2140: Attention backend not specified. Use fa3 backend by default.',
      { chosenAttention: 'fa3' },
    ],
    [
      '[2026-08-28 21:32:38] Load weight end. elapsed=787.55 s, type=X, quant=modelopt_fp4, quant_algo=NVFP4, avail mem=29.01 GB',
      { weights: 'modelopt_fp4' },
    ],
    ['[2026-03-12 00:03:06 TP0] Detected fp8 checkpoint.', { weights: 'fp8' }],
  ])('%s', (line, facts) => {
    expect(isStartupLine(line)).toBe(true);
    expect(readStartup([line])).toMatchObject(facts);
  });

  it('cut short anywhere, says nothing that the whole does not', () => {
    const { args } = readStartup([ARGS]);
    for (let length = 0; length < ARGS.length; length++)
      expect(args).toMatchObject(readStartup([ARGS.slice(0, length)]).args);
  });
});
