import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planSession } from '../../../src/session/plan.ts';
import { frameworks } from '../../../src/session/registry.ts';
import { DEMO_CONFIG } from '../demo-config.ts';
import { sessionOptions } from '../session-options.ts';

function plan(text: string) {
  const root = mkdtempSync(join(tmpdir(), 'assay-plan-'));
  writeFileSync(join(root, 'demo.yaml'), text);
  return planSession(sessionOptions({ root }), frameworks);
}
const identities = (text: string) => new Map(plan(text).cells.map(({ cell, identity }) => [cell.cellId, identity]));
const conc1 = (text: string) => identities(text).get('conc1')!;

describe('the identity of a cell', () => {
  const base = conc1(DEMO_CONFIG);

  it('does not change when a sibling cell is added or the YAML is written in another order', () => {
    expect(conc1(DEMO_CONFIG.replace('[1, 2]', '[1, 2, 4]')).workloadHash).toBe(base.workloadHash);
    const lines = DEMO_CONFIG.trim().split('\n').toReversed().join('\n');
    expect(conc1(`${lines}\n`)).toEqual(base);
    expect(conc1(DEMO_CONFIG.replace('quant: f32, attention: none', 'attention: none, quant: f32'))).toEqual(base);
  });

  it('keeps the workload when only a threshold changes, and the verification when only the workload does', () => {
    const judged = conc1(DEMO_CONFIG.replace('value: 50', 'value: 60'));
    expect(judged.workloadHash).toBe(base.workloadHash);
    expect(judged.verificationHash).not.toBe(base.verificationHash);
    const launched = conc1(DEMO_CONFIG.replace('osl: 4', 'osl: 5'));
    expect(launched.workloadHash).not.toBe(base.workloadHash);
    expect(launched.verificationHash).toBe(base.verificationHash);
  });

  it.each([
    ['a param', 'isl: 8', 'isl: 9'],
    ['a knob', 'attention: none', 'attention: fa'],
    ['the model', 'precision: f32', 'precision: f16'],
    ['the topology', '{count: 1}', '{count: 1, selector: cpu}'],
  ])('changes with %s', (_, from, to) => {
    expect(conc1(DEMO_CONFIG.replace(from, to)).workloadHash).not.toBe(base.workloadHash);
  });

  it('differs from cell to cell', () => {
    const { workloadHash } = identities(DEMO_CONFIG).get('conc2')!;
    expect(workloadHash).not.toBe(base.workloadHash);
    expect(base.experimentId).toBe('llama_cpp/tiny/f32+none+-/cpu');
  });
});

describe('planSession', () => {
  it('binds what fits this machine and says why the rest does not', () => {
    const skip = { reason: 'insufficient_nodes', detail: 'insufficient_nodes (need 4, have 1)' };
    expect(plan(DEMO_CONFIG.replace('{count: 1}', '{count: 4}')).cells).toMatchObject(
      Array.from({ length: 2 }, () => ({ binding: { state: 'unbound', ...skip }, skip })),
    );
    expect(plan(DEMO_CONFIG).cells[0]).toMatchObject({
      binding: { state: 'bound', hosts: { server: ['localhost'] } },
      skip: null,
    });
  });

  it('refuses to plan nothing', () => {
    expect(() => planSession(sessionOptions({ root: tmpdir(), configs: ['nowhere/*.yaml'] }), frameworks)).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('no config matches nowhere/*.yaml') }),
    );
  });
});

describe('the shipped configs for a CPU', () => {
  const root = new URL('../../..', import.meta.url).pathname;
  const { cells } = planSession(sessionOptions({ root, configs: ['configs/**/*_cpu.yaml'] }), frameworks);
  const card = JSON.parse(readFileSync(join(root, 'fixtures/models/byte-llama.json'), 'utf8')) as {
    sha256: string;
    heldOut: { sha256: string; windowLength: number; perplexity: number };
  };

  it('have the eight cells of the README', () => {
    expect(cells.map(({ cell }) => cell.key)).toEqual([
      'byte_llama_cpu/balanced-conc1',
      'byte_llama_cpu/balanced-conc2',
      'byte_llama_cpu/balanced-conc4',
      'byte_llama_cpu/prefill_heavy-conc1',
      'byte_llama_cpu/prefill_heavy-conc2',
      'byte_llama_cpu/prefill_heavy-conc4',
      'jax_js_byte_llama_cpu/ranks1',
      'jax_js_byte_llama_cpu/ranks2',
    ]);
  });

  it('hold llama.cpp to the figures of the trainer', () => {
    const { workload, thresholds } = cells[0]!.cell;
    expect(workload.model.sha256).toBe(card.sha256);
    expect(workload.dataset).toMatchObject({ sha256: card.heldOut.sha256, window_length: card.heldOut.windowLength });
    const perplexity = thresholds.map(({ threshold }) => threshold).find(({ kind }) => kind === 'Convergence');
    expect(perplexity).toMatchObject({ target: Number(card.heldOut.perplexity.toFixed(4)) });
  });
});
