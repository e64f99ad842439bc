import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { factOf, FIXED_COLUMNS } from '../../../../src/evidence/store/fact.ts';
import type { Manifest } from '../../../../src/evidence/manifest.ts';
import { endedManifest, verdictOf } from '../ended-run.ts';

const scalars = (values: Record<string, number | null>): Partial<Manifest> => ({
  result: { scalars: values, applied: {}, measured: { started_at_ms: null, duration_ms: null } },
});

describe('factOf', () => {
  it('says who the run is, as the notebook asks for it', () => {
    const manifest = endedManifest({
      tags: ['framework_vllm', 'topology_disagg'],
      hosts: ['n1', 'n2'].map((hostname) => ({ hostname, ip: null, role: '', roles: [], fingerprint: {} })),
      knobs: { quant: 'fp4', attention: 'aiter' },
      tool: { name: 'vitest-assay', version: '0.2.0', git_sha: 'beef' },
      phases: { launch: { started_at: '2026-05-28T20:01:08.000Z', duration_s: 41.7, status: 'ok' } },
    });
    expect(factOf(manifest, 'a/b/c/d')).toMatchObject({
      run_id: manifest.run_id,
      framework: 'vllm',
      model: 'gpt_oss_120b',
      model_id: 'gpt-oss-120b',
      gpu: 'mi355x',
      cell_id: 'balanced-conc64',
      knob_quant: 'fp4',
      knob_attention: 'aiter',
      git_sha: 'a4f1e2c',
      cvs_git_sha: 'a4f1e2c',
      tool_version: '0.2.0',
      tool_git_sha: 'beef',
      topology: 'disagg',
      hosts: 'n1,n2',
      path: 'a/b/c/d',
      provenance: 'launched',
      enforce: true,
      status: 'passed',
      failure_category: null,
      duration_s: 824.5,
      launch_s: 41.7,
      parse_s: null,
    });
  });

  it('has axes, figures and verdicts under their names, and null for what was not measured', () => {
    const fact = factOf(
      endedManifest({
        axes: { concurrency: 64, isl_osl: 'balanced', cached: true },
        verdicts: [verdictOf('ttft_p99'), verdictOf('goodput', { actual: null, margin: null })],
        ...scalars({ ttft_p99_ms: 73.4, lateness_p99_ms: null }),
      }),
      'x',
    );
    expect(fact).toMatchObject({
      axis_concurrency: 64,
      axis_isl_osl: 'balanced',
      axis_cached: true,
      ttft_p99_actual: 73.4,
      ttft_p99_expected: 50,
      ttft_p99_margin: -23.4,
      ttft_p99_passed: false,
      goodput_actual: null,
      ttft_p99_ms: 73.4,
      lateness_p99_ms: null,
    });
  });

  it('tells a figure from the column whose name it has, in any case', () => {
    const names = ['status', 'Duration_S', 'await_s', 'knob_quant', '__proto__', ''];
    const fact = factOf(endedManifest(scalars(Object.fromEntries(names.map((name, index) => [name, index])))), 'x');
    expect(fact).toMatchObject({ status: 'passed', duration_s: 824.5, await_s: null });
    expect(fact).toMatchObject({ scalar_status: 0, scalar_duration_s: 1, scalar_await_s: 2, scalar_knob_quant: 3 });
    expect(Object.entries(fact)).toContainEqual(['__proto__', 4]);
    expect(Object.entries(fact)).toContainEqual(['scalar_', 5]);
  });

  it('says where it was imported, why it failed, and nothing of times that are none', () => {
    const imported = { file: 'a.json', sha256: endedManifest().config_hash, format: 'x', imported_at: '', dropped: [] };
    const failure: Manifest['failure'] = {
      category: 'parse_failure',
      originated_in_phase: 'parse',
      message: 'no file',
      evidence: [],
    };
    const fact = factOf(
      endedManifest({ imported, failure, status: 'failed_parse', timestamp_end: null, timestamp_start: 'yesterday' }),
      'x',
    );
    expect(fact).toMatchObject({ provenance: 'imported', failure_category: 'parse_failure', status: 'failed_parse' });
    expect(fact).toMatchObject({ timestamp_start: null, timestamp_end: null, duration_s: null });
  });

  it('has every fixed column but the stamp in every row, and only texts that every reader takes', () => {
    const text = fc.string({ unit: 'binary', maxLength: 8 });
    const manifest = endedManifest();
    const everywhere = [...FIXED_COLUMNS.keys()].filter((name) => name !== 'manifest_stamp');
    fc.assert(
      fc.property(fc.dictionary(text, fc.double()), fc.dictionary(text, text), (figures, knobs) => {
        const fact = factOf({ ...manifest, knobs, ...scalars(figures) }, 'x');
        const names = Object.keys(fact);
        expect(names).toEqual(expect.arrayContaining(everywhere));
        expect(names).toEqual(names.map((name) => name.toLowerCase()));
        const texts = [...names, ...Object.values(fact).map(String)];
        expect(texts).toEqual(texts.map((part) => Buffer.from(part).toString()));
      }),
    );
  });
});
