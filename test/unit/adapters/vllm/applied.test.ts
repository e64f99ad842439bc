import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { appliedOf } from '../../../../src/adapters/vllm/applied.ts';
import {
  isVllmStartupLine as isStartupLine,
  readVllmStartup as readStartup,
} from '../../../../src/adapters/shared/vllm-startup.ts';
import { noSamples, sample } from '../shared/results/files.ts';

const WORKER = '(Worker_TP0 pid=7) INFO 07-09 10:09:57';
const ENGINE =
  "(EngineCore pid=6) INFO 07-09 10:09:38 [core.py:114] Initializing a V1 LLM engine (v0.24.0) with config: model='a/b', " +
  'dtype=torch.bfloat16, max_seq_len=9216, load_format=auto, tensor_parallel_size=8, pipeline_parallel_size=2, ' +
  'data_parallel_size=1, quantization=fp8, quantization_config=None, enforce_eager=False, kv_cache_dtype=fp8_e4m3, ' +
  'seed=0, enable_prefix_caching=True, enable_chunked_prefill=False, pooler_config=None';
const ASKED = { concurrency: 1, isl: 8, osl: 8 };

const applied = (lines: readonly string[], params: object = {}, knobs: Record<string, string> = {}) =>
  Object.fromEntries(
    Object.entries(appliedOf({ params: { ...ASKED, ...params }, knobs }, readStartup(lines))).map(([name, one]) => [
      name,
      one.applied,
    ]),
  );

describe('a start-up log', () => {
  it('says what the engine runs with', () => {
    const params = {
      tensor_parallelism: 8,
      pipeline_parallelism: 2,
      max_model_length: 9216,
      kv_cache_dtype: 'fp8_e4m3',
      quantization: 'fp8',
      enforce_eager: true,
      enable_prefix_caching: true,
      enable_chunked_prefill: false,
      async_scheduling: true,
    };
    const lines = [ENGINE, '(APIServer pid=1) INFO 07-09 10:09:25 [vllm.py:1006] Asynchronous scheduling is enabled.'];
    expect(applied(lines, params, { quant: 'fp8' })).toEqual({
      tensor_parallelism: 8,
      pipeline_parallelism: 2,
      data_parallelism: 1,
      max_model_length: 9216,
      kv_cache_dtype: 'fp8_e4m3',
      quantization: 'fp8',
      quant: 'fp8',
      async_scheduling: true,
      enforce_eager: false,
      enable_prefix_caching: true,
      enable_chunked_prefill: false,
    });
  });

  it('says nothing of what it does not say', () => {
    expect(applied([], { max_model_length: 16 }, { attention: 'aiter', quant: 'fp4', fused_moe: 'aiter' })).toEqual({
      tensor_parallelism: null,
      pipeline_parallelism: null,
      data_parallelism: null,
      max_model_length: null,
      attention: null,
      quant: null,
      fused_moe: null,
      aiter: null,
    });
  });

  it.each([
    [
      `${WORKER} [rocm.py:602] Found incompatible backend(s) [TRITON_MLA] with AttentionType.DECODER. Overriding with ROCM_AITER_MLA out of potential backends: ['ROCM_AITER_MLA'].`,
      'ROCM_AITER_MLA',
    ],
    [
      `${WORKER} [rocm.py:804] Using ROCM_AITER_UNIFIED_ATTN backend (selected via --attention-backend).`,
      'ROCM_AITER_UNIFIED_ATTN',
    ],
    [`${WORKER} [rocm.py:904] Using ROCM_ATTN backend out of potential backends: ['ROCM_ATTN'].`, 'ROCM_ATTN'],
    [
      `${WORKER} [cuda.py:508] Using FLASH_ATTN attention backend out of potential backends: ['FLASH_ATTN', 'TRITON_ATTN'].`,
      'FLASH_ATTN',
    ],
    [`${WORKER} [cuda.py:448] Using AttentionBackendEnum.TRITON_ATTN backend.`, 'TRITON_ATTN'],
    [
      'INFO 09-02 11:12:13 [rocm.py:270] Using Aiter Unified Attention backend on V1 engine.',
      'ROCM_AITER_UNIFIED_ATTN',
    ],
    ['INFO 09-02 11:12:13 [cuda.py:290] Using Flash Attention backend on V1 engine.', 'FLASH_ATTN'],
    ['INFO 09-02 11:12:13 [rocm.py:280] Using Triton Attention backend on V1 engine.', 'TRITON_ATTN'],
    // What is not the attention of the model's own layers.
    [`${WORKER} [selector.py:166] Using FLASH_ATTN MLA prefill backend.`, null],
    [`${WORKER} [rocm.py:648] Using AITER Flash Attention backend for ViT model.`, null],
    [`${WORKER} [mm_encoder_attention.py:373] Using AttentionBackendEnum.ROCM_AITER_FA for MMEncoderAttention.`, null],
    [
      `${WORKER} [rocm.py:602] Found incompatible backend(s) [X] with AttentionType.ENCODER. Overriding with TORCH_SDPA out of potential backends: [].`,
      null,
    ],
    [`${WORKER} [quark_moe.py:1049] Using AITER_MXFP4_MXFP4 backend for OCP_MX_Scheme.w_mxfp4_a_mxfp4`, null],
  ])('names the attention backend: %s', (line, backend) => {
    expect(readStartup([line]).attention).toEqual(backend === null ? [] : [backend]);
  });

  it('has the word of the knob in force only where all layers run on what it means', () => {
    const [aiter, triton] = ['ROCM_AITER_MLA', 'TRITON_ATTN'].map(
      (name) => `${WORKER} [rocm.py:904] Using ${name} backend out of potential backends: [].`,
    );
    expect(applied([aiter ?? ''], {}, { attention: 'aiter' })['attention']).toBe('aiter');
    expect(applied([triton ?? ''], {}, { attention: 'aiter' })['attention']).toBe('TRITON_ATTN');
    expect(applied([aiter ?? '', triton ?? ''], {}, { attention: 'aiter' })['attention']).toBe(
      'ROCM_AITER_MLA+TRITON_ATTN',
    );
    expect(applied([triton ?? ''], {}, { attention: 'triton' })['attention']).toBe('triton');
    expect(applied([aiter ?? ''], {}, { attention: 'aiter_fa' })['attention']).toBe('ROCM_AITER_MLA');
  });

  it.each<{ knob: string; method: string; lines?: readonly string[]; format: string | null }>([
    { knob: 'fp4', method: 'mxfp4', format: 'fp4' },
    { knob: 'fp4', method: 'fp8', format: 'fp8' },
    { knob: 'bf16', method: 'None', format: 'bf16' },
    { knob: 'fp8', method: 'None', format: 'bf16' },
    { knob: 'fp8', method: 'modelopt', format: 'fp8' },
    // These hold whatever their checkpoint holds: the kernels tell.
    { knob: 'fp4', method: 'quark', format: null },
    { knob: 'fp4', method: 'quark', lines: [`Using 'AITER_MXFP4_MXFP4' Mxfp4 MoE backend.`], format: 'fp4' },
    {
      knob: 'fp8',
      method: 'quark',
      lines: ['Selected AiterPerTokenFp8ScaledMMLinearKernel for QuarkW8A8Fp8'],
      format: 'fp8',
    },
    {
      knob: 'fp8',
      method: 'compressed-tensors',
      lines: ["Using AITER Fp8 MoE backend out of potential backends: ['AITER']."],
      format: null,
    },
  ])('tells the number format: $knob of $method is $format', ({ knob, method, lines = [], format }) => {
    const engine = ENGINE.replace('quantization=fp8,', `quantization=${method},`);
    const log = [engine, ...lines.map((line) => `${WORKER} [x.py:1] ${line}`)];
    expect(applied(log, {}, { quant: knob })['quant']).toBe(format);
  });

  it.each([
    { knob: 'aiter_a16w4', line: "'AITER_MXFP4_BF16' Mxfp4", kernel: 'aiter_a16w4', isAiter: true },
    { knob: 'aiter_a16w4', line: "'AITER_MXFP4_MXFP4' Mxfp4", kernel: 'aiter_a4w4', isAiter: true },
    { knob: 'aiter', line: 'AITER Fp8', kernel: 'aiter', isAiter: true },
    { knob: 'aiter', line: "'MARLIN' Mxfp4", kernel: 'marlin', isAiter: false },
  ])('tells the kernel of the experts: $knob, $line', ({ knob, line, kernel, isAiter }) => {
    expect(applied([`${WORKER} [mxfp4.py:513] Using ${line} MoE backend.`], {}, { fused_moe: knob })).toMatchObject({
      fused_moe: kernel,
      aiter: isAiter,
    });
  });

  it('names the variables that the version does not know', () => {
    const line =
      '(APIServer pid=1) WARNING 07-09 10:09:10 [interface.py:820] Unknown vLLM environment variable detected: VLLM_X';
    expect(readStartup([line]).unknownVariables).toEqual(['VLLM_X']);
  });

  it('takes the first that says something, through colours', () => {
    const lines = [
      '\u001B[36m(Worker pid=1)\u001B[0;0m INFO [gpu_worker.py:508] Available KV cache memory: 121.34 GiB',
      'x Available KV cache memory: 7 GiB',
    ];
    expect(readStartup(lines).kvCacheGib).toBe(121.34);
  });

  it('has no value that is cut short, wherever the log ends', () => {
    const whole = readStartup([ENGINE]).engine;
    for (let end = 0; end < ENGINE.length; end++) {
      const { engine } = readStartup([ENGINE.slice(0, end)]);
      expect(whole).toMatchObject(engine);
    }
  });

  it('reads anything', () => {
    const pieces = fc.constantFrom(...ENGINE.split(' '), 'Using', 'backend', '[rocm.py:1]', '\r', '\u001B[0m');
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.string(),
            fc.array(pieces, { maxLength: 12 }).map((all) => all.join(' ')),
          ),
          { maxLength: 8 },
        ),
        (lines) => {
          const { kvCacheTokens, kvCacheGib } = readStartup(lines);
          expect(kvCacheTokens === null || kvCacheTokens >= 0).toBe(true);
          expect(kvCacheGib === null || Number.isFinite(kvCacheGib)).toBe(true);
        },
      ),
    );
  });
});

describe.skipIf(noSamples !== null)(`a published log${noSamples === null ? '' : `: ${noSamples}`}`, () => {
  const linesOf = (path: string) => sample(path).toString().split('\n');

  it('of four GPUs of AMD', () => {
    const facts = readStartup(linesOf('inferencemax/infx_vllm_server_conc4_head.log'));
    expect(facts).toMatchObject({
      version: '0.24.0',
      attention: ['ROCM_AITER_MLA'],
      isAsyncScheduling: true,
      unknownVariables: [],
      kernels: ['AiterPreshuffledPerTokenFp8ScaledMMLinearKernel', 'AITER_MXFP4_MXFP4'],
      kvCacheTokens: 1_854_077,
      kvCacheGib: 121.34,
      modelGib: 130.42,
      modelLoadSeconds: 579.837729,
      engineInitSeconds: 92.55,
      engine: {
        tensor_parallel_size: '4',
        max_seq_len: '262144',
        quantization: 'quark',
        kv_cache_dtype: 'auto',
        dtype: 'torch.bfloat16',
      },
    });
    const asked = { tensor_parallelism: 4, max_model_length: 262_144 };
    expect(
      applied(linesOf('inferencemax/infx_vllm_server_conc4_head.log'), asked, {
        attention: 'aiter',
        quant: 'fp4',
        fused_moe: 'aiter_a16w4',
      }),
    ).toEqual({
      tensor_parallelism: 4,
      pipeline_parallelism: 1,
      data_parallelism: 1,
      max_model_length: 262_144,
      attention: 'aiter',
      quant: 'fp4',
      fused_moe: 'aiter_a4w4',
      aiter: true,
    });
  });

  it('of servers that never started', () => {
    const rejected = linesOf('vllm/er0080_vllm_serve_max_model_len_rejected_v0.25.1.log');
    expect(readStartup(rejected)).toMatchObject({ version: '0.25.1', engine: {}, attention: [] });
    const unknown = linesOf('vllm/er0080_vllm_serve_unrecognized_argument_v0.25.1.log');
    expect(unknown.filter(isStartupLine)).toEqual([]);
  });

  it('that was filtered for a later cell says the same', () => {
    const lines = linesOf('inferencemax/infx_vllm_server_conc4_head.log');
    expect(readStartup(lines.filter(isStartupLine))).toEqual(readStartup(lines));
    expect(lines.filter(isStartupLine).length).toBeLessThan(lines.length / 5);
  });
});
