import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planVllm } from '../../../../src/adapters/vllm/launch.ts';
import { WorkloadFailure } from '../../../../src/evidence/failure.ts';
import { commandOf, flagIn, requestOf } from '../shared/program-probe.ts';

const PARAMS = { concurrency: 4, isl: 64, osl: 8 };
const ONE = { server: ['n0'] };
const TWO = { server: ['n0', 'n1'] };
const MODEL = { id: 'gpt-oss-120b', hf_repo: 'openai/gpt-oss-120b' };

interface Given {
  readonly params?: object;
  readonly hosts?: Record<string, string[]>;
  readonly workload?: object;
  readonly thresholds?: readonly object[];
  readonly cellId?: string;
}

function planOf({ params = {}, hosts = ONE, workload = {}, thresholds = [], cellId = 'conc4' }: Given = {}) {
  const asked = Object.entries({ ...PARAMS, ...params }).filter(([, value]) => value !== undefined);
  const request = requestOf({ params: Object.fromEntries(asked), hosts, workload: { model: MODEL, ...workload } });
  return planVllm({ ...request, cell: { ...request.cell, thresholds, cellId } } as typeof request, '/tmp/run');
}

const serverOf = (given: Given = {}, index = 0) => commandOf(planOf(given).servers[0], index);
const clientOf = (given: Given = {}) =>
  commandOf(planOf(given).workers[0], 0, [{ role: 'server', url: 'http://s:8000' }]);

function refusal(given: Given): string {
  try {
    planOf(given);
    clientOf(given);
  } catch (thrown) {
    if (!(thrown instanceof WorkloadFailure)) throw thrown;
    return `${thrown.category}: ${thrown.message}`;
  }
  throw new Error('it was planned');
}

describe('the server', () => {
  it('is asked for what the config says, by the flags of the tool, and for nothing else', () => {
    expect(serverOf()).toEqual({
      file: 'vllm',
      args: [
        'serve',
        'openai/gpt-oss-120b',
        '--host',
        '127.0.0.1',
        '--port',
        '8000',
        '--seed',
        '7',
        '--tensor-parallel-size',
        '1',
      ],
      env: {},
      reads: [],
      serves: 'http://127.0.0.1:8000',
    });
  });

  it.each<[string, object, readonly string[]]>([
    ['pipeline_parallelism', { pipeline_parallelism: 2 }, ['--pipeline-parallel-size', '2']],
    ['data_parallelism', { data_parallelism: 4 }, ['--data-parallel-size', '4']],
    ['max_model_length', { max_model_length: 9216 }, ['--max-model-len', '9216']],
    ['a flag on', { enable_chunked_prefill: true }, ['--enable-chunked-prefill']],
    ['a flag off', { enable_prefix_caching: false }, ['--no-enable-prefix-caching']],
    ['async_scheduling', { async_scheduling: true }, ['--async-scheduling']],
    ['expert parallel', { enable_expert_parallel: true }, ['--enable-expert-parallel']],
    ['kv_cache_dtype', { kv_cache_dtype: 'fp8' }, ['--kv-cache-dtype', 'fp8']],
    ['quantization', { quantization: 'fp8' }, ['--quantization', 'fp8']],
    ['dtype', { dtype: 'half' }, ['--dtype', 'half']],
    ['memory', { gpu_memory_utilization: 0.85 }, ['--gpu-memory-utilization', '0.85']],
    [
      'sequences',
      { max_num_seqs: 64, max_num_batched_tokens: 512 },
      ['--max-num-seqs', '64', '--max-num-batched-tokens', '512'],
    ],
    ['the executor', { distributed_executor_backend: 'mp' }, ['--distributed-executor-backend', 'mp']],
    [
      'the tokenizer',
      { tokenizer_mode: 'slow', trust_remote_code: true },
      ['--trust-remote-code', '--tokenizer-mode', 'slow'],
    ],
    ['further flags', { serve_args: { '--swap': 4, 'log-stats': false } }, ['--swap', '4', '--no-log-stats']],
  ])('takes %s', (_name, params, words) => {
    const plain = serverOf().args;
    expect(serverOf({ params }).args.filter((word) => !plain.includes(word))).toEqual(
      words.filter((word) => !plain.includes(word)),
    );
    expect(serverOf({ params }).args.join(' ')).toContain(words.join(' '));
  });

  it('serves weights of a path under the name of the model, and the client knows both', () => {
    const given = { workload: { model: { id: 'tiny', path: 'weights/tiny', revision: 'v2' } } };
    const server = serverOf(given);
    expect(server.args.slice(0, 2)).toEqual(['serve', '/configs/weights/tiny']);
    expect([flagIn(server, 'served-model-name'), flagIn(server, 'revision'), server.reads]).toEqual([
      'tiny',
      'v2',
      ['/configs/weights/tiny'],
    ]);
    const client = clientOf(given);
    expect([flagIn(client, 'model'), flagIn(client, 'served-model-name'), client.reads]).toEqual([
      '/configs/weights/tiny',
      'tiny',
      ['/configs/weights/tiny'],
    ]);
  });

  it('is ready when its endpoint says so, and is given up when it says that it will not be', () => {
    const readiness = planOf({ params: { port: 8001 } }).servers[0]?.readiness;
    if (typeof readiness !== 'function') throw new Error('the same everywhere');
    const found = readiness({ host: 'n0', index: 0, address: '::1', addressOf: String, ready: [] });
    if (found.kind !== 'http') throw new Error(found.kind);
    expect([found.url(null as never), found.path]).toEqual(['http://[::1]:8001', '/health']);
    const isFatal = (line: string) => found.failures?.some((pattern) => pattern.test(line));
    expect(isFatal('vllm: error: unrecognized arguments: --no-such-flag 3')).toBe(true);
    expect(isFatal('(EngineCore pid=1) ERROR 07-09 [core.py:900] EngineCore failed to start.')).toBe(true);
    expect(isFatal('(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above.')).toBe(
      true,
    );
    expect(isFatal('(APIServer pid=1) WARNING 07-09 [x.py:1] an error: ignored')).toBe(false);
  });
});

describe('the knobs', () => {
  const env = (knobs: object) => serverOf({ workload: { knobs } }).env;
  const words = (knobs: object, model: object = {}) =>
    serverOf({ workload: { knobs, model: { ...MODEL, ...model } } })
      .args.slice(10)
      .join(' ');

  it('choose AITER by the variables of its versions, and other backends by the flag', () => {
    expect(env({ attention: 'aiter' })).toMatchObject({
      VLLM_ROCM_USE_AITER: '1',
      VLLM_ROCM_USE_AITER_UNIFIED_ATTENTION: '1',
    });
    expect(words({ attention: 'aiter' })).toBe('');
    expect(words({ attention: 'triton' })).toBe('--attention-backend TRITON_ATTN');
    expect(words({ attention: 'fa' })).toBe('--attention-backend FLASH_ATTN');
    expect(words({ attention: 'ROCM_AITER_FA' })).toBe('--attention-backend ROCM_AITER_FA');
    expect(words({ attention: 'auto' })).toBe('');
    expect(env({ attention: 'aiter_mla' })).toEqual({ VLLM_ROCM_USE_AITER: '1' });
    expect(refusal({ workload: { knobs: { attention: 'te' } } })).toMatch(
      /^setup_failure: knobs.attention is te, no attention backend of vLLM - write one of auto, aiter, /,
    );
  });

  it('choose the kernel of the experts', () => {
    expect(env({ fused_moe: 'aiter_a16w4' })).toMatchObject({
      VLLM_ROCM_USE_AITER: '1',
      VLLM_ROCM_USE_AITER_FUSED_MOE_A16W4: '1',
    });
    expect(env({ fused_moe: 'aiter' })).not.toHaveProperty('VLLM_ROCM_USE_AITER_FUSED_MOE_A16W4');
    expect(words({ fused_moe: 'marlin' })).toBe('--moe-backend marlin');
  });

  it('quantize only where the checkpoint is known to be of another format', () => {
    expect(words({ quant: 'fp8' })).toBe('');
    expect(words({ quant: 'fp4' }, { precision: 'mxfp4' })).toBe('');
    expect(words({ quant: 'fp8' }, { precision: 'bf16' })).toBe('--quantization fp8');
    expect(words({ quant: 'bf16' }, { precision: 'fp16' })).toBe('--dtype bfloat16');
    expect(refusal({ workload: { knobs: { quant: 'fp4' }, model: { ...MODEL, precision: 'fp8' } } })).toBe(
      'setup_failure: knobs.quant is fp4, but weights of fp8 cannot be turned into that while they are loaded - name a model that is stored so, or set params.quantization',
    );
    const explicit = {
      params: { quantization: 'mxfp4' },
      workload: { knobs: { quant: 'fp4' }, model: { ...MODEL, precision: 'bf16' } },
    };
    expect(serverOf(explicit).args.slice(-2)).toEqual(['--quantization', 'mxfp4']);
  });
});

describe('a server on several nodes', () => {
  it('has its endpoint on the first, and headless ranks on the others', () => {
    const params = { tensor_parallelism: 8, pipeline_parallelism: 2, master_port: 29_600 };
    const [head, rank] = [serverOf({ params, hosts: TWO }, 0), serverOf({ params, hosts: TWO }, 1)];
    const group = '--nnodes 2 --node-rank N --master-addr n0.test --master-port 29600';
    expect(head.args.join(' ')).toContain(`--host 127.0.0.1 --port 8000 ${group.replace('N', '0')}`);
    expect(rank.args.join(' ')).toContain(`--headless ${group.replace('N', '1')}`);
    expect(rank.args).not.toContain('--port');
    expect(rank.env).toEqual({ VLLM_HOST_IP: '127.0.0.1' });
    const readiness = planOf({ hosts: TWO }).servers[0]?.readiness;
    if (typeof readiness !== 'function') throw new Error('the same everywhere');
    expect(readiness({ host: 'n1', index: 1, address: '127.0.0.1', addressOf: String, ready: [] }).kind).toBe(
      'started',
    );
  });

  it('comes up inside a Ray cluster of its own where that is asked', () => {
    const params = { distributed_executor_backend: 'ray' };
    const [head, rank] = [serverOf({ params, hosts: TWO }, 0), serverOf({ params, hosts: TWO }, 1)];
    expect([head.file, ...head.args.slice(2, 7)]).toEqual(['sh', 'ray-head', '127.0.0.1', '6379', 'vllm', 'serve']);
    expect(head.args[1]).toMatch(/^ray start --head .* && exec "\$@"$/);
    expect(head.args).not.toContain('--nnodes');
    expect(rank.args.slice(2)).toEqual(['ray-worker', '127.0.0.1', 'n0.test:6379']);
    expect(rank.args[1]).toContain('--block');
    expect(serverOf({ params }).file).toBe('vllm');
  });
});

describe('the load client', () => {
  it('sends the load of the cell and saves every request in scratch', () => {
    const { args, ...rest } = clientOf();
    expect(args.join(' ').replace(/--seed \d+/, '--seed SEED')).toBe(
      'bench serve --backend vllm --base-url http://s:8000 --model openai/gpt-oss-120b ' +
        '--seed SEED --dataset-name random --random-input-len 64 --random-output-len 8 ' +
        '--num-prompts 1000 --max-concurrency 4 --request-rate inf --burstiness 1 --ignore-eos ' +
        '--percentile-metrics ttft,tpot,itl,e2el --metric-percentiles 50,90,95,99 ' +
        '--save-result --save-detailed --result-dir /tmp/run --result-filename vllm-bench.json',
    );
    expect(rest).toEqual({ file: 'vllm', reads: [], writes: ['/tmp/run'] });
    expect(planOf().results).toEqual([{ host: 'n0', path: '/tmp/run/vllm-bench.json', as: 'vllm-bench.json' }]);
  });

  it('sends prompts of its own to a server that another cell has loaded', () => {
    const seeds = ['conc4', 'conc4', 'conc8'].map((cellId) => Number(flagIn(clientOf({ cellId }), 'seed')));
    expect(serverOf({ cellId: 'conc8' })).toEqual(serverOf({ cellId: 'conc4' }));
    expect(seeds[0]).toBe(seeds[1]);
    expect(seeds[0]).not.toBe(seeds[2]);
    expect(Math.max(...seeds)).toBeLessThan(2 ** 32);
    expect(flagIn(clientOf({ workload: { seed: 8 } }), 'seed')).not.toBe(String(seeds[0]));
  });

  it.each<[string, Given, string]>([
    ['an open loop', { params: { request_rate: 4.5, burstiness: 0.5 } }, '--request-rate 4.5 --burstiness 0.5'],
    [
      'chat',
      { params: { bench_backend: 'openai-chat' } },
      '--backend openai-chat --base-url http://s:8000 --endpoint /v1/chat/completions',
    ],
    ['warm-ups', { params: { num_warmups: 3 } }, '--num-prompts 1000 --num-warmups 3'],
    [
      'spread lengths',
      { params: { random_range_ratio: 0.5, random_prefix_len: 16 } },
      '--random-range-ratio 0.5 --random-prefix-len 16',
    ],
    ['further flags', { params: { bench_args: { 'top-p': 0.9 } } }, '--result-filename vllm-bench.json --top-p 0.9'],
    [
      'recorded prompts',
      {
        params: { isl: undefined, dataset_name: 'sharegpt', ignore_eos: true },
        workload: { dataset: { id: 'chats', path: 'chats.json' } },
      },
      '--dataset-name sharegpt --dataset-path /configs/chats.json --sharegpt-output-len 8',
    ],
    [
      'a dataset of the hub',
      { params: { isl: undefined, dataset_name: 'hf' }, workload: { dataset: { id: 'x', path: 'a/b' } } },
      '--dataset-path a/b --hf-output-len 8',
    ],
    [
      'bounds of a goodput',
      {
        thresholds: [
          {
            threshold: {
              kind: 'Goodput',
              metric_pair: { ttft: 'ttft_ms', tpot: 'tpot_ms' },
              ttft_max_ms: 450,
              tpot_max_ms: 40,
              e2el_max_ms: 9000,
            },
          },
        ],
      },
      '--goodput ttft:450 tpot:40 e2el:9000',
    ],
  ])('takes %s', (_name, given, words) => {
    expect(clientOf(given).args.join(' ')).toContain(words);
  });

  it('runs on to the length of made-up prompts only, unless it is told', () => {
    const recorded = {
      params: { isl: undefined, dataset_name: 'custom' },
      workload: { dataset: { id: 'x', path: 'x.jsonl' } },
    };
    expect(clientOf(recorded).args).not.toContain('--ignore-eos');
    expect(clientOf(recorded).reads).toEqual(['/configs/x.jsonl']);
    expect(clientOf({ params: { ignore_eos: false } }).args).not.toContain('--ignore-eos');
  });

  it('runs where the topology places it, else beside the server', () => {
    expect(planOf().workers[0]?.hosts).toEqual(['n0']);
    const placed = planOf({ hosts: { ...ONE, client: ['c0'] } });
    expect([placed.workers[0]?.hosts, placed.results[0]?.host]).toEqual([['c0'], 'c0']);
  });

  it('is refused what it cannot do', () => {
    expect(refusal({ hosts: { ...ONE, client: ['c0', 'c1'] } })).toBe(
      'setup_failure: role client is on 2 hosts, one client sends the load - set its count to 1',
    );
    expect(refusal({ hosts: {} })).toBe('setup_failure: the topology has no role "server" - add it');
    expect(refusal({ params: { isl: undefined, dataset_name: 'custom' } })).toBe(
      'setup_failure: dataset_name custom needs a file of prompts - add `dataset:` with its `path:`',
    );
    expect(
      refusal({
        params: { isl: undefined, dataset_name: 'burstgpt' },
        workload: { dataset: { id: 'x', path: 'x.csv' } },
      }),
    ).toBe('setup_failure: dataset_name burstgpt has output lengths of its own - remove osl');
  });

  it('gets every text as one word, whatever is in it', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (text) => {
        const { args } = clientOf({ params: { bench_args: { label: text } } });
        expect(args[args.indexOf('--label') + 1]).toBe(text);
      }),
    );
  });
});
