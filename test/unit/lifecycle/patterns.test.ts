import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  matchFrameworkLine,
  matchKernelLine,
  patternCatalogue,
  patternEntries,
} from '../../../src/lifecycle/patterns.ts';
import type { Pattern } from '../../../src/lifecycle/patterns.ts';

const SAMPLES = new URL('../../../../shared/samples/', import.meta.url).pathname;
const hasSamples = existsSync(join(SAMPLES, 'dmesg'));
const withSamples = hasSamples ? 'real logs' : 'real logs (skipped: the samples are not here)';

function match(source: Pattern['source'], line: string): Pattern | null {
  return source === 'dmesg' ? matchKernelLine(line) : matchFrameworkLine(line);
}

const hits = patternEntries.flatMap(({ id, source, hits: lines }) => lines.map((line) => ({ id, source, line })));
const misses = patternEntries.flatMap(({ id, source, misses: lines }) => lines.map((line) => ({ id, source, line })));

describe('the catalogue', () => {
  it('keeps what it always had', () => {
    const known = ['container_oom', 'node_heap_exhausted', 'ggml_assertion', 'native_crash', 'kv_cache_full'];
    expect(patternCatalogue.map(({ id }) => id)).toEqual(expect.arrayContaining(known));
  });

  it('has at least sixteen entries, each under an id of its own', () => {
    const ids = patternCatalogue.map(({ id }) => id);
    expect(ids.length).toBeGreaterThanOrEqual(16);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => !/^[a-z][a-z_]+$/.test(id))).toEqual([]);
  });

  it('judges by the patterns, not by their examples', () => {
    const keys = new Set(patternCatalogue.flatMap((entry) => Object.keys(entry)));
    expect([...keys].toSorted()).toEqual(['category', 'hint', 'id', 'pattern', 'severity', 'source']);
  });

  it.each(hits)('$id is the first to match: $line', ({ id, source, line }) => {
    expect(match(source, line)?.id).toBe(id);
  });

  it.each(misses)('nothing fatal, and not $id, matches: $line', ({ id, source, line }) => {
    const found = match(source, line);
    expect(found?.id).not.toBe(id);
    expect(found?.severity).not.toBe('fatal');
  });

  it('keeps kernel lines and framework lines apart', () => {
    const other = { dmesg: 'framework_log', framework_log: 'dmesg' } as const;
    expect(hits.filter(({ source, line }) => match(other[source], line) !== null)).toEqual([]);
  });
});

describe('what looks alike', () => {
  it.each([
    ['[ 4043.089326] sched: RT throttling activated', undefined],
    ['[ 512.1] pcieport 0000:00:01.0: AER: Corrected error received: 0000:01:00.0', undefined],
    ['[ 512.1] nvidia 0000:e3:00.0: PCIe Bus Error: severity=Corrected, type=Data Link Layer', 'warn'],
    ['[ 512.1] nvidia 0000:e3:00.0: PCIe Bus Error: severity=Uncorrected (Non-Fatal), type=x', 'warn'],
    ['[ 512.1] nvidia 0000:e3:00.0: PCIe Bus Error: severity=Uncorrected (Fatal), type=x', 'fatal'],
    ['[ 1.1] amdgpu 0000:c3:00.0: amdgpu: 10 correctable hardware errors detected in umc block', 'warn'],
    ['[ 1.1] amdgpu 0000:c3:00.0: amdgpu: 10 uncorrectable hardware errors detected in umc block', 'fatal'],
    ['[ 1.1] NVRM: Xid (PCI:0000:10:1c): 13, pid=1', 'warn'],
    ['[ 1.1] NVRM: Xid (PCI:0000:10:1c): 31, pid=1', 'warn'],
    ['[ 1.1] NVRM: Xid (PCI:0000:10:1c): 43, pid=1', 'warn'],
    ['[ 1.1] NVRM: Xid (PCI:0000:10:1c): 45, pid=1', 'warn'],
    ['[ 1.1] NVRM: Xid (PCI:0000:10:1c): 48, pid=1', 'fatal'],
    ['[ 1.1] NVRM: Xid (PCI:0000:10:1c): 63, pid=1', 'warn'],
    ['[ 1.1] NVRM: Xid (PCI:0000:10:1c): 64, pid=1', 'fatal'],
    ['[ 1.1] NVRM: Xid (PCI:0000:10:1c): 74, pid=1, name=x, NVLink: link 2 recovered', 'warn'],
    ['[ 1.1] NVRM: Xid (PCI:0000:10:1c): 79, pid=1', 'fatal'],
    ['[ 1.1] NVRM: Xid (PCI:0000:10:1c): 95, pid=1', 'fatal'],
    ['[ 1.1] NVRM: Xid (PCI:0000:10:1c): 119, pid=1', 'fatal'],
    ['[ 1.1] NVRM: Xid (PCI:0000:10:1c): 1190, pid=1', 'warn'],
  ])('%s is %s', (line, severity) => {
    expect(matchKernelLine(line)?.severity).toBe(severity);
  });

  it('is no failure when a Python program only tells of one', () => {
    expect(matchFrameworkLine('Traceback (most recent call last):')).toBeNull();
    expect(matchFrameworkLine('completed step: 9, seconds: 0.440, loss: nan')).toBeNull();
  });
});

describe('a raw line', () => {
  it('is seen through its colours', () => {
    const line =
      '\u001B[31mERROR\u001B[0m torch.OutOfMemoryError: \u001B[1;38;2;255;0;0mCUDA\u001B[0m out of memory. Tried';
    expect(matchFrameworkLine(line)?.id).toBe('gpu_out_of_memory');
  });

  it('is seen through a link and a cursor that moves', () => {
    const line = '\u001B]8;;https://x\u0007EngineCore\u001B]8;;\u001B\\ encountered\u001B[2K\u001B[A a fatal error.';
    expect(matchFrameworkLine(line)?.id).toBe('vllm_engine_dead');
  });

  it('is seen behind and before a progress bar on the same line', () => {
    const bar = 'Epoch 0:   6%|██        | 32040/500150 [6:28:43<94:39:17,  1.37it/s]';
    const message =
      '[E ProcessGroupNCCL.cpp:458] [Rank 0] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=1)';
    expect(matchFrameworkLine(`${bar}${message}`)?.id).toBe('nccl_timeout');
    expect(matchFrameworkLine(`\r${bar}\r${bar}\r${message}\r${bar}`)?.id).toBe('nccl_timeout');
    expect(matchFrameworkLine(`GGML_ASSERT(n > 0 &&\r n < 9) failed`)?.id).toBe('ggml_assertion');
  });
});

describe('the time that a line takes', () => {
  // What bounds it: nothing repeats without an upper bound, no repetition is inside another one, and
  // those of one alternative multiply to little. So each place of a line costs no more than a constant.
  const REPETITION = /(?<!\\)(?:[*+]|\{\d*,\d*\}|\?(?![:=!<]))/g;
  const WITHOUT_CLASSES = /\\.|\[(?:\\.|[^\]])*\]/g;

  it.each(patternCatalogue)('is linear for $id', ({ pattern }) => {
    const bare = pattern.replaceAll(WITHOUT_CLASSES, 'x');
    const repetitions = [...bare.matchAll(REPETITION)].map(([text]) => text);
    expect(repetitions.filter((text) => !/^(?:\?|\{\d+,\d+\})$/.test(text))).toEqual([]);
    expect(bare).not.toMatch(/(?:[*+?]|\{\d+,\d+\})[^()]*\)(?:[*+]|\{)/);
    for (const alternative of bare.replaceAll(/\(\?:[^()]*\)/g, 'x').split('|')) {
      const bounds = [...alternative.matchAll(/\{\d+,(\d+)\}/g)].map(([, most]) => Number(most));
      expect(bounds.reduce((product, most) => product * most, 1)).toBeLessThanOrEqual(50_000);
    }
  });
});

describe.skipIf(!hasSamples)(withSamples, () => {
  function hitsOf(file: string, source: Pattern['source']): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const line of readFileSync(join(SAMPLES, file), 'utf8').split('\n')) {
      const found = match(source, line);
      if (found === null) continue;
      const key = `${found.severity} ${found.id}`;
      counts[key] = (counts[key] ?? 0) + 1;
    }
    return counts;
  }

  it.each<[string, Record<string, number>]>([
    ['gpud_accelerator-nvidia-nccl_dmesg.decode.iso.log', { 'warn process_crash': 2 }],
    ['gpud_accelerator-nvidia-xid_dmesg-with-xid-119.log', { 'fatal nvidia_xid_fatal': 5 }],
    ['gpud_os_dmesg.decode.iso.log', {}],
    ['gpud_pkg-kmsg_kmsg.1.log', {}],
    ['gpud_pkg-pstore_dmesg-erst.txt', { 'fatal kernel_oops': 2 }],
    ['idx52216257506_aer_corrected_nvidia.txt', { 'warn hardware_error': 1 }],
    ['idx6367897241_memcg_oom.txt', { 'fatal memory_cgroup_oom': 2 }],
    [
      'nodescraper_dmesg_sample.log',
      { 'fatal gpu_ecc_uncorrectable': 1, 'warn gpu_bad_pages': 1, 'warn hardware_error': 1 },
    ],
  ])('dmesg/%s', (file, expected) => {
    expect(hitsOf(`dmesg/${file}`, 'dmesg')).toEqual(expected);
  });

  it.each<[string, Record<string, number>]>([
    ['nccl/watchdog_basicsr737.log', { 'fatal nccl_timeout': 3, 'warn nccl_watchdog': 1 }],
    ['nccl/watchdog_interleaved_tqdm_pytorch118369.log', { 'fatal nccl_timeout': 3 }],
    ['rccl/cvs_rccl_v2283_text_degraded.txt', {}],
    ['inferencemax/infx_vllm_server_conc4_head.log', {}],
    ['maxtext/idx53861824533_maxtext_nan_tpu_v6e.log', {}],
    ['maxtext/maxtext_docs_deepseek2_16b_v5p.log', {}],
    ['maxtext/maxtext_eval_lines.log', {}],
    ['megatron/primus_dsv2lite_fp8_ansi.log', {}],
    ['megatron/primus_dsv4_ep8_pp1_ansi.log', {}],
    ['sglang-router/router_health_pending_sglang4208.log', {}],
    ['sglang-router/router_rs_grpc_health_fail_sglang11310.log', {}],
    ['sglang-router/router_rs_pd_mode_aibrix1351.log', {}],
    ['torchtitan/titan_qwen3_14b_run100_ansi.log', {}],
    ['vllm/er0080_vllm_serve_max_model_len_rejected_v0.25.1.log', {}],
    ['vllm/er0080_vllm_serve_unrecognized_argument_v0.25.1.log', {}],
  ])('%s', (file, expected) => {
    expect(hitsOf(file, 'framework_log')).toEqual(expected);
  });
});
