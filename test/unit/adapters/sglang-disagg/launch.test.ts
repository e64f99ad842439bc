import { promptSeed } from '../../../../src/adapters/shared/prompt-seed.ts';
import { describe, expect, it } from 'vitest';
import { planSglang } from '../../../../src/adapters/sglang-disagg/launch.ts';
import type { Command } from '../../../../src/exec/executor.ts';
import type { ReadyRole, RunRequest } from '../../../../src/lifecycle/adapter.ts';
import { flagIn, requestOf } from '../shared/program-probe.ts';

const PARAMS = { concurrency: 4, isl: 64, osl: 8, tensor_parallelism: 8 };
const HOSTS = { prefill: ['n1', 'n2'], decode: ['n3', 'n4'] };
const MODEL = { id: 'llama', hf_repo: 'meta-llama/Llama', precision: 'bf16' };
const ADDRESSES: Readonly<Record<string, string>> = {
  n1: '10.0.0.1',
  n2: '10.0.0.2',
  n3: '10.0.0.3',
  n4: '10.0.0.4',
  c: '10.0.0.5',
};
const addressOf = (host: string): string => ADDRESSES[host] ?? '';

interface Given {
  readonly params?: object;
  readonly hosts?: Readonly<Record<string, readonly string[]>>;
  readonly workload?: object;
}

function planOf({ params = {}, hosts = HOSTS, workload = {} }: Given = {}) {
  const asked = Object.fromEntries(Object.entries({ ...PARAMS, ...params }).filter(([, value]) => value !== undefined));
  const request = requestOf({ params: asked, hosts, workload: { model: MODEL, ...workload } });
  const roles = Object.fromEntries(
    Object.entries(hosts).map(([role, names]) => [role, { count: names.length, gpus_per_node: 8 }]),
  );
  const cell = { ...request.cell, topology: { roles } };
  return planSglang({ ...request, cell } as unknown as RunRequest, '/scratch');
}

const READY = [
  { role: 'prefill', host: 'n1', url: 'http://10.0.0.1:30001' },
  { role: 'prefill', host: 'n2', url: null },
  { role: 'decode', host: 'n3', url: 'http://10.0.0.3:30002' },
  { role: 'decode', host: 'n4', url: 'http://10.0.0.4:30002' },
  { role: 'router', host: 'n1', url: 'http://10.0.0.1:8000' },
] as readonly Partial<ReadyRole>[];

function commandOf(
  role: string,
  given: Given = {},
  host = given.hosts?.[role]?.[0] ?? HOSTS[role as 'prefill']?.[0] ?? 'n1',
): Command {
  const { servers, workers } = planOf(given);
  const plan = [...servers, ...workers].find((one) => one.role === role);
  if (plan === undefined) throw new Error(`no role ${role}`);
  return plan.command({ host, index: 0, address: addressOf(host), addressOf, ready: READY as readonly ReadyRole[] });
}

const wordsOf = (role: string, given: Given = {}, host?: string): string => commandOf(role, given, host).args.join(' ');

describe('the plan of 2p2d', () => {
  it('starts both kinds of server, then a router on the first prefill node, then the load beside it', () => {
    const { servers, workers, results } = planOf();
    expect([...servers, ...workers].map(({ role, after, hosts }) => [role, after, hosts])).toEqual([
      ['prefill', [], undefined],
      ['decode', [], undefined],
      ['router', ['prefill', 'decode'], ['n1']],
      ['bench', ['router'], ['n1']],
    ]);
    expect(results).toEqual([{ host: 'n1', path: '/scratch/sglang-bench.jsonl', as: 'sglang-bench.jsonl' }]);
  });

  it('puts router and load where the config says', () => {
    const { servers, workers, results } = planOf({ hosts: { ...HOSTS, router: ['n2'], bench: ['c'] } });
    expect([servers.at(-1)?.hosts, workers[0]?.hosts, results[0]?.host]).toEqual([['n2'], ['c'], 'c']);
  });

  it.each([
    [
      'prefill',
      '-m sglang.launch_server --model-path meta-llama/Llama --host 10.0.0.1 --port 30001 --disaggregation-mode prefill ' +
        '--disaggregation-transfer-backend mooncake --disaggregation-bootstrap-port 8998 --tp-size 8 --random-seed 7 ' +
        '--enable-metrics --enable-request-time-stats-logging',
    ],
    [
      'decode',
      '-m sglang.launch_server --model-path meta-llama/Llama --host 10.0.0.3 --port 30002 --disaggregation-mode decode ' +
        '--disaggregation-transfer-backend mooncake --disaggregation-bootstrap-port 8998 --tp-size 8 --random-seed 7 ' +
        '--enable-metrics --enable-request-time-stats-logging',
    ],
    [
      'router',
      '-m sglang_router.launch_router --pd-disaggregation --prefill http://10.0.0.1:30001 8998 ' +
        '--decode http://10.0.0.3:30002 --decode http://10.0.0.4:30002 --host 10.0.0.1 --port 8000',
    ],
    [
      'bench',
      '-m sglang.bench_serving --backend sglang --base-url http://10.0.0.1:8000 --model meta-llama/Llama --dataset-name random ' +
        '--num-prompts 1000 --random-input-len 64 --random-output-len 8 --random-range-ratio 1 --max-concurrency 4 --seed ' +
        `${promptSeed(requestOf({ params: {}, hosts: HOSTS, workload: { model: MODEL } }).cell)} ` +
        '--tag run-1 --output-file /scratch/sglang-bench.jsonl --output-details',
    ],
  ])('%s: nothing but what the config says', (role, words) => {
    expect(wordsOf(role)).toBe(words);
    expect(commandOf(role)).toMatchObject({ file: 'python3', env: { PYTHONUNBUFFERED: '1' } });
  });
});

describe('a server over several nodes', () => {
  const given = { params: { tensor_parallelism: 16 } };

  it.each([
    ['n1', 'prefill', '0', '10.0.0.1:40001'],
    ['n2', 'prefill', '1', '10.0.0.1:40001'],
    ['n4', 'decode', '1', '10.0.0.3:40002'],
  ])('%s: its nodes meet at the first', (...[host, role, rank, address]) => {
    const command = commandOf(role, given, host);
    expect(['nnodes', 'node-rank', 'dist-init-addr'].map((flag) => flagIn(command, flag))).toEqual([
      '2',
      rank,
      address,
    ]);
  });

  it('serves on the first of them alone', () => {
    const [prefill] = planOf(given).servers;
    const kinds = ['n1', 'n2'].map((host) => {
      const readiness = prefill?.readiness;
      return typeof readiness === 'function'
        ? readiness({ host, index: 0, address: 'a', addressOf: String, ready: [] }).kind
        : null;
    });
    expect(kinds).toEqual(['http', 'started']);
  });
});

describe('params and knobs', () => {
  it.each<[string, string, Given, string]>([
    ['degrees of one role', 'decode', { params: { decode_tensor_parallelism: 4 } }, '--tp-size 4'],
    [
      'data parallel attention',
      'prefill',
      { params: { data_parallelism: 8, enable_dp_attention: true } },
      '--dp-size 8 --enable-dp-attention',
    ],
    ['a share of memory', 'prefill', { params: { mem_fraction_static: 0.85 } }, '--mem-fraction-static 0.85'],
    [
      'a flag of one role over that of both',
      'decode',
      { params: { serve_args: { 'log-requests-level': 1 }, decode_serve_args: { log_requests_level: 2 } } },
      '--log-requests-level 2',
    ],
    [
      'room for answers, of decode servers alone',
      'decode',
      { params: { num_reserved_decode_tokens: 64 } },
      '--num-reserved-decode-tokens 64',
    ],
    ['attention', 'prefill', { workload: { knobs: { attention: 'aiter' } } }, '--attention-backend aiter'],
    ['attention by another name', 'prefill', { workload: { knobs: { attention: 'fa' } } }, '--attention-backend fa3'],
    [
      'weights quantized while they are loaded',
      'prefill',
      { workload: { knobs: { quant: 'fp8' } } },
      '--quantization fp8',
    ],
    ['experts', 'prefill', { workload: { knobs: { fused_moe: 'deep_gemm' } } }, '--moe-runner-backend deep_gemm'],
    [
      'policies',
      'router',
      { params: { prefill_policy: 'bucket', decode_policy: 'random' } },
      '--prefill-policy bucket --decode-policy random',
    ],
    [
      'shared prefixes',
      'bench',
      { params: { dataset_name: 'generated-shared-prefix', isl: undefined, osl: undefined, gsp_num_groups: 2 } },
      '--gsp-num-groups 2',
    ],
    ['an open loop', 'bench', { params: { request_rate: 2.5 } }, '--request-rate 2.5'],
    ['no warm-up', 'bench', { params: { num_warmups: 0 } }, '--warmup-requests 0'],
    ['lengths that vary', 'bench', { params: { random_range_ratio: 0.5 } }, '--random-range-ratio 0.5'],
  ])('%s', (...[, role, given, words]) => {
    expect(` ${wordsOf(role, given)} `).toContain(` ${words} `);
  });

  it('leave out what is off, for SGLang has no --no- form', () => {
    expect(wordsOf('prefill', { params: { disable_radix_cache: false, trust_remote_code: false } })).toBe(
      wordsOf('prefill'),
    );
    expect(wordsOf('prefill', { params: { num_reserved_decode_tokens: 64 } })).toBe(wordsOf('prefill'));
  });

  it.each([{ attention: 'aiter' }, { fused_moe: 'aiter_a16w4' }])('turn AITER on by its variable: %j', (knobs) => {
    expect(commandOf('decode', { workload: { knobs } }).env).toEqual({ PYTHONUNBUFFERED: '1', SGLANG_USE_AITER: '1' });
  });

  it.each<[string, Given, string]>([
    [
      'nodes that are no whole servers',
      { params: { tensor_parallelism: 16 }, hosts: { prefill: ['n1', 'n2'], decode: ['n3', 'n4', 'c'] } },
      'role decode has 3 nodes, and each of its servers takes 2 - set its count to a multiple of 2',
    ],
    ['no prefill servers', { hosts: { decode: ['n3'] } }, 'the topology has no role "prefill" - add it'],
    ['no decode servers', { hosts: { prefill: ['n1'] } }, 'the topology has no role "decode" - add it'],
    [
      'two routers',
      { hosts: { ...HOSTS, router: ['n1', 'n2'] } },
      'role router is on 2 hosts, and there is one router - set its count to 1',
    ],
    [
      'another attention',
      { workload: { knobs: { attention: 'te' } } },
      'knobs.attention is te, no attention backend of SGLang',
    ],
    [
      'two transfers',
      { workload: { knobs: { backend: 'nixl' } } },
      'knobs.backend is nixl, params.disaggregation_transfer_backend is mooncake - write the same in both',
    ],
    [
      'another engine',
      { workload: { knobs: { backend: 'vllm-native' } } },
      'knobs.backend is vllm-native, no variant of SGLang',
    ],
    [
      'weights of another format',
      { workload: { knobs: { quant: 'fp4' } } },
      'knobs.quant is fp4, but weights of bf16 are not turned into that',
    ],
    [
      'prompts that are nowhere',
      { params: { dataset_name: 'sharegpt', isl: undefined, osl: undefined } },
      'dataset_name sharegpt needs a file of prompts',
    ],
  ])('refuse %s', (_name, given, message) => {
    expect(() => {
      planOf(given);
      commandOf('prefill', given);
      commandOf('bench', given);
    }).toThrow(expect.objectContaining({ category: 'setup_failure', message: expect.stringContaining(message) }));
  });
});
