import { describe, expect, it } from 'vitest';
import { readServerLog } from '../../../../src/adapters/inferencemax/server-log.ts';
import { noSamples, sample } from '../shared/results/files.ts';

describe('the log of a recipe', () => {
  it.skipIf(noSamples !== null)(`is understood as published${noSamples === null ? '' : `: ${noSamples}`}`, () => {
    const text = sample('inferencemax/infx_vllm_server_conc4_head.log').toString();
    expect(readServerLog(text.split('\n'))).toEqual({
      versions: { vllm: '0.24.0' },
      attention: 'ROCM_AITER_MLA',
      tensorParallelism: 4,
      maxModelLength: 262_144,
    });
  });

  it('says nothing of what it does not tell', () => {
    const nothing = { versions: {}, attention: null, tensorParallelism: null, maxModelLength: null };
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
});
