import { describe, expect, it } from 'vitest';
import { STARTUP, readServerLog } from '../../../../src/adapters/inferencemax/server-log.ts';
import { noSamples, sample } from '../shared/results/files.ts';

describe('the log of a recipe', () => {
  it.skipIf(noSamples !== null)(`is understood as published${noSamples === null ? '' : `: ${noSamples}`}`, () => {
    const text = sample('inferencemax/infx_vllm_server_conc4_head.log').toString();
    expect(readServerLog(text.split('\n'))).toEqual({
      versions: { vllm: '0.24.0' },
      attention: 'ROCM_AITER_MLA',
      tensorParallelism: 4,
      maxModelLength: 262_144,
      // By its kernels: quark stands for several formats.
      format: 'fp4',
    });
  });

  it('says nothing of what it does not tell', () => {
    const nothing = { versions: {}, attention: null, tensorParallelism: null, maxModelLength: null, format: null };
    expect(readServerLog([])).toEqual(nothing);
    expect(readServerLog(["(EngineCore pid=1) INFO [mxfp4.py:513] Using 'AITER_MXFP4' Mxfp4 MoE backend."])).toEqual(
      nothing,
    );
    expect(readServerLog(['INFO [quark_moe.py:1049] Using AITER_MXFP4_MXFP4 backend for OCP_MX'])).toEqual(nothing);
  });

  it.each([
    ['INFO 10-01 [cuda.py:1] Using Triton Attention backend on V1 engine.', 'Triton Attention'],
    ['INFO 10-01 [rocm.py:1] Using Aiter Unified Attention backend on V1 engine.', 'Aiter Unified Attention'],
    ['INFO [rocm.py:1] Using ROCM_AITER_UNIFIED_ATTN backend.', 'ROCM_AITER_UNIFIED_ATTN'],
    ["[2025-10-01] server_args=ServerArgs(model_path='m', tp_size=8, attention_backend='aiter')", 'aiter'],
  ])('knows the attention of: %s', (line, attention) => {
    expect(readServerLog([line]).attention).toBe(attention);
  });

  const ENGINE = 'INFO [core.py:1] Initializing a V1 LLM engine (v0.24.0) with config: x, dtype=torch.bfloat16, ';
  const MOE = "INFO [mxfp4.py:513] Using 'AITER_MXFP4_BF16' Mxfp4 MoE backend.";
  const SGLANG = '[2025-10-01] server_args=ServerArgs(';
  it.each<[string, string[], string | null]>([
    ['vLLM names a method of one format', [`${ENGINE}quantization=fp8, y`], 'fp8'],
    ['vLLM runs unquantized', [`${ENGINE}quantization=None, y`], 'bf16'],
    ['vLLM names a method of several formats', [`${ENGINE}quantization=quark, y`, MOE], 'fp4'],
    ['vLLM names one, and no kernel', [`${ENGINE}quantization=quark, y`], null],
    ['SGLang is told a method', [`${SGLANG}quantization='modelopt_fp4', tp_size=8)`], 'fp4'],
    [
      'SGLang loads what the checkpoint says',
      [`${SGLANG}quantization=None, tp_size=8)`, '[2025-10-01 TP0] Load weight end. type=X, dtype=torch.bfloat16, z'],
      'bf16',
    ],
    ['a recipe has a server of another kind', ['[TensorRT-LLM] TensorRT-LLM version: 1.1.0'], null],
  ])('tells the number format: %s', (_, lines, format) => {
    expect(readServerLog(lines).format).toBe(format);
  });

  it('is kept line by line as it was understood', () => {
    const lines = [`${ENGINE}quantization=quark, y`, MOE, 'InferenceX commit 0123abc', 'INFO something else'];
    const kept = lines.filter(STARTUP.isStartupLine);
    expect(kept).toEqual(lines.slice(0, 3));
    expect(readServerLog(kept)).toEqual(readServerLog(lines));
  });
});
