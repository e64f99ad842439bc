import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { loadConfigs } from '../../../src/config/load.ts';
import { frameworks } from '../../../src/session/registry.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'assay-load-'));
});

const specs = frameworks.map(({ spec }) => spec);
const load = (files: Record<string, string>) => {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text);
  return loadConfigs(Object.keys(files), { root, specs });
};
/** What the user reads; the message of the error, or a note that there was none. */
const complaint = (files: Record<string, string>): string => {
  try {
    load(files);
    return 'loaded';
  } catch (thrown) {
    return (thrown as Error).message;
  }
};

const GOOD = `schema_version: "2"
test_id: demo
target_gpu: cpu
framework: llama_cpp
workload_kind: inference
topology: {roles: {server: {count: 1}}}
model: tiny
knobs: {quant: f32}
params: {isl: 8, osl: 4, num_prompts: 10, max_model_length: 64}
sweep:
  concurrency: [1, 2]
benchmarks: [ttft_p99]
thresholds:
  - {kind: Percentile, metric: ttft_ms, percentile: 99, op: "<=", value: 50}
  - {kind: Percentile, metric: ttft_ms, percentile: 99, op: "<=", value: 90, when: {concurrency: 2}}
`;

describe('loadConfigs', () => {
  it('expands a config into cells with their tags, names and thresholds', () => {
    const { cells } = load({ 'demo.yaml': GOOD });
    expect(
      cells.map(({ key, bracket, thresholds }) => ({
        key,
        bracket,
        thresholds: thresholds.map((one) => [one.threshold.kind === 'Percentile' && one.threshold.value, one.source]),
      })),
    ).toEqual([
      { key: 'demo/conc1', bracket: '[llama_cpp-tiny-cpu-f32-conc1]', thresholds: [[50, 'demo.yaml:14']] },
      { key: 'demo/conc2', bracket: '[llama_cpp-tiny-cpu-f32-conc2]', thresholds: [[90, 'demo.yaml:15']] },
    ]);
    expect(cells[0]?.tags.map(({ name }) => name)).toEqual([
      'framework_llama_cpp',
      'model_tiny',
      'workload_inference',
      'topology_single',
      'gpu_cpu',
      'knob_quant_f32',
      'config_demo',
      'cell_conc1',
    ]);
    expect(cells[1]?.params).toMatchObject({ concurrency: 2, isl: 8, num_warmups: 4, threads: 1 });
  });

  it('reports every problem of every file at once, each with its place and the next step', () => {
    const broken = GOOD.replace('target_gpu', 'target_gpus')
      .replace('num_prompts: 10', 'num_prompts: "10"')
      .replace('percentile: 99,', 'percentile: 990,');
    const typo = GOOD.replace('framework: llama_cpp', 'framework: lama_cpp').replace('test_id: demo', 'test_id: other');
    expect(
      complaint({
        'a.yaml': broken,
        'b.yaml': typo,
        'c.yaml': GOOD.replace('test_id: demo', 'test_id: ok'),
        'd.yaml': 'a: 1\na: 2\n',
      }),
    ).toMatchInlineSnapshot(`
      "a.yaml:1:1 target_gpu: is missing - add a string
      a.yaml:3:1 target_gpus: unknown field - did you mean \`target_gpu\`?
      a.yaml:14:41 thresholds[0].percentile: 990 is not accepted - a percentile above 0 and at most 100
      b.yaml:4:1 framework: "lama_cpp" has no adapter - did you mean \`llama_cpp\`?
      d.yaml:2:1 duplicated mapping key - correct the YAML here
      5 problems in 3 of 4 files. Nothing was launched."
    `);
  });

  it('checks params per cell, and says in which', () => {
    expect(complaint({ 'a.yaml': GOOD.replace('[1, 2]', '[1, 0]') })).toMatchInlineSnapshot(`
      "a.yaml:11:3 sweep.concurrency: 0 is not accepted (in cell conc0) - Too small: expected number to be >=1
      1 problem in 1 of 1 file. Nothing was launched."
    `);
    expect(complaint({ 'a.yaml': GOOD.replace('isl: 8', 'isl: 61') })).toMatchInlineSnapshot(`
      "a.yaml:9:44 params.max_model_length: 64 is not accepted - isl + osl must fit into max_model_length
      1 problem in 1 of 1 file. Nothing was launched."
    `);
    expect(complaint({ 'a.yaml': GOOD.replace('num_prompts', 'num_promts') })).toMatchInlineSnapshot(`
      "a.yaml:9:1 params.num_prompts: is missing - add a number
      a.yaml:9:26 params.num_promts: unknown field - did you mean \`num_prompts\`?
      2 problems in 1 of 1 file. Nothing was launched."
    `);
    expect(complaint({ 'a.yaml': GOOD.replace('num_prompts: 10', 'num_prompts: "10"') })).toMatchInlineSnapshot(`
      "a.yaml:9:26 params.num_prompts: "10" is a string - write 10 without quotes
      1 problem in 1 of 1 file. Nothing was launched."
    `);
  });

  it('checks coverage both ways, and takes a gap for a warning where nothing is enforced', () => {
    const unjudged = GOOD.replace('[ttft_p99]', '[ttft_p99, tpot_p99]');
    expect(complaint({ 'a.yaml': unjudged })).toMatchInlineSnapshot(`
      "a.yaml:12:24 benchmarks[1]: tpot_p99 has no threshold in cell conc1 - add one, or set \`enforce: false\` to record only
      a.yaml:12:24 benchmarks[1]: tpot_p99 has no threshold in cell conc2 - add one, or set \`enforce: false\` to record only
      2 problems in 1 of 1 file. Nothing was launched."
    `);
    expect(complaint({ 'a.yaml': GOOD.replace('[ttft_p99]', '[]') })).toMatchInlineSnapshot(`
      "a.yaml:14:5 thresholds[0]: no benchmark claims this Percentile - add ttft_p99 to \`benchmarks:\`
      a.yaml:15:5 thresholds[1]: no benchmark claims this Percentile - add ttft_p99 to \`benchmarks:\`
      2 problems in 1 of 1 file. Nothing was launched."
    `);
    const { cells, warnings } = load({ 'a.yaml': `${unjudged}enforce: false\n` });
    expect(cells).toHaveLength(2);
    expect(warnings.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      'benchmarks[1]: tpot_p99 has no threshold in cell conc1',
      'benchmarks[1]: tpot_p99 has no threshold in cell conc2',
    ]);
  });

  it('refuses thresholds that cannot fail, and two that judge the same with the same right', () => {
    expect(complaint({ 'a.yaml': GOOD.replace('value: 50', 'value: 10000000') })).toMatchInlineSnapshot(`
      "a.yaml:14:5 thresholds[0]: cannot fail: no value is above 10000000 - set a bound that can fail
      1 problem in 1 of 1 file. Nothing was launched."
    `);
    expect(complaint({ 'a.yaml': GOOD.replace(', when: {concurrency: 2}', '') })).toMatchInlineSnapshot(`
      "a.yaml:15:5 thresholds[1]: judges ttft_p99 in cell conc1, and so does thresholds[0] - remove one, or make its \`when:\` more specific
      a.yaml:15:5 thresholds[1]: judges ttft_p99 in cell conc2, and so does thresholds[0] - remove one, or make its \`when:\` more specific
      2 problems in 1 of 1 file. Nothing was launched."
    `);
  });

  it('refuses two configs whose runs or claims would be mixed up', () => {
    expect(complaint({ 'a.yaml': GOOD, 'b.yaml': GOOD })).toMatchInlineSnapshot(`
      "b.yaml:1:1 test_id: demo/conc1 is also a cell of a.yaml - give the config its own test_id
      b.yaml:1:1 test_id: demo/conc2 is also a cell of a.yaml - give the config its own test_id
      2 problems in 1 of 2 files. Nothing was launched."
    `);
    expect(complaint({ 'a.yaml': GOOD, 'b.yaml': GOOD.replace('test_id: demo', 'test_id: demo2') }))
      .toMatchInlineSnapshot(`
      "b.yaml:1:1 id_knobs: [llama_cpp-tiny-cpu-f32-conc1] is also a cell of a.yaml - add the knob that differs to \`id_knobs:\`
      b.yaml:1:1 id_knobs: [llama_cpp-tiny-cpu-f32-conc2] is also a cell of a.yaml - add the knob that differs to \`id_knobs:\`
      2 problems in 1 of 2 files. Nothing was launched."
    `);
  });
});
