import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump, load } from 'js-yaml';
import { beforeEach, describe, expect, it } from 'vitest';
import { checkFloors } from '../../../src/config/checks/check-direction.ts';
import { loadConfigs } from '../../../src/config/load.ts';
import { configError, formatProblem } from '../../../src/config/yaml/problem.ts';
import { frameworks } from '../../../src/session/registry.ts';
import { fullConfig, smallestConfig } from './schema/valid-configs.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'assay-load-'));
});

const specs = frameworks.map(({ spec }) => spec);
const loadFiles = (files: Record<string, string>) => {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text);
  const { problems, ...loaded } = loadConfigs(Object.keys(files), { root, specs, env: {}, overrides: [] });
  if (problems.length > 0) throw configError(problems, Object.keys(files).length);
  return loaded;
};
/** What the user reads; the message of the error, or a note that there was none. */
const complaint = (files: Record<string, string>): string => {
  try {
    loadFiles(files);
    return 'loaded';
  } catch (thrown) {
    return (thrown as Error).message;
  }
};

/** Everything wrong with a config that is given as a value. */
const loadFile = (config: unknown) => {
  writeFileSync(join(root, 'config.yaml'), dump(config));
  return loadConfigs(['config.yaml'], { root, specs, env: {}, overrides: [] }).problems;
};

/** A flow mapping of YAML as the value that it is. */
const toJson = (flow: string): unknown => load(flow);

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
    const { cells } = loadFiles({ 'demo.yaml': GOOD });
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
      'gpu_cpu',
      'knob_quant_f32',
      'config_demo',
      'topology_single',
      'cell_conc1',
    ]);
    expect(cells[1]?.params).toMatchObject({ concurrency: 2, isl: 8, num_warmups: 4, threads: 1 });
  });

  it('reports every problem of every file at once, each with its place and the next step', () => {
    const broken = GOOD.replace('target_gpu', 'target_gpus')
      .replace('num_prompts: 10', 'num_prompts: "10"')
      .replace('percentile: 99,', 'percentile: 990,');
    expect(complaint({ 'a.yaml': broken.replace('framework: llama_cpp', 'framework: lama_cpp') })).toContain(
      'a.yaml:4:1 framework: there is no framework "lama_cpp" - did you mean `llama_cpp`?',
    );
    const inSweep = broken.replace('[1, 2]', '["a b"]').replace('quant: f32', 'quant: f32, backend: none');
    expect(complaint({ 'a.yaml': inSweep })).toMatchInlineSnapshot(`
      "a.yaml:3:1 target_gpus: unknown field - did you mean \`target_gpu\`?
      a.yaml:8:21 knobs.backend: "none" is not accepted - use "node-llama-cpp" or "llama-server"
      a.yaml:9:26 params.num_prompts: "10" is a string - write 10 without quotes
      a.yaml:11:18 sweep.concurrency[0]: "a b" is not a number - write a whole number of 1 or more
      a.yaml:14:41 thresholds[0].percentile: 990 is not accepted - write a percentile above 0 and at most 100
      5 problems in 1 of 1 file. Nothing was launched."
    `);
    const typo = GOOD.replace('framework: llama_cpp', 'framework: lama_cpp').replace('test_id: demo', 'test_id: other');
    expect(
      complaint({
        'a.yaml': broken,
        'b.yaml': typo,
        'c.yaml': GOOD.replace('test_id: demo', 'test_id: ok'),
        'd.yaml': `${GOOD.replace('test_id: demo', 'test_id: twice').replace('model: tiny', 'model: large')}seed: 1\nseed: 2\n`,
      }),
    ).toMatchInlineSnapshot(`
      "a.yaml:3:1 target_gpus: unknown field - did you mean \`target_gpu\`?
      a.yaml:9:26 params.num_prompts: "10" is a string - write 10 without quotes
      a.yaml:14:41 thresholds[0].percentile: 990 is not accepted - write a percentile above 0 and at most 100
      b.yaml:4:1 framework: there is no framework "lama_cpp" - did you mean \`llama_cpp\`?
      d.yaml:17:1 seed: is already written in line 16 - keep one of the two
      5 problems in 3 of 4 files. Nothing was launched."
    `);
  });

  it('blames no other field for a wrong one', () => {
    for (const { name } of specs) {
      for (const config of [smallestConfig(name), fullConfig(name)]) {
        for (const field of Object.keys(config)) {
          const wrong = loadFile({ ...config, [field]: 7.5 });
          expect(new Set(wrong.map(({ path }) => path))).toEqual(new Set([field]));
          const { [field]: value, ...others } = config;
          expect(loadFile({ ...others, [`${field}x`]: value }).map(({ path }) => path)).toEqual([`${field}x`]);
        }
      }
    }
  });

  it('finds what else is wrong in a config with a wrong field', () => {
    const wrong = { ...smallestConfig('megatron'), seed: -1, params: { fsdp: 4 }, benchmarks: ['throughput'] };
    const paths = ['seed', 'params.fsdp', 'benchmarks[0]'];
    expect(loadFile(wrong).map(({ path }) => path)).toEqual(paths);
    expect(loadFile({ ...wrong, framework: 'megaton' }).map(({ path }) => path)).toEqual(['framework', ...paths]);
  });

  it('takes no axis with a wrong value or name for one that cells are selected by', () => {
    const quoted = GOOD.replace('[1, 2]', '[1, "2"]\n  exclude: [{concurrency: 2}]');
    expect(complaint({ 'a.yaml': quoted })).toContain('write 2 without quotes\n1 problem');
    const misspelt = GOOD.replace('concurrency: [1, 2]', 'concurency: [1, 2]');
    expect(complaint({ 'a.yaml': misspelt })).toContain('did you mean `concurrency`?\n1 problem');
  });

  it('checks params per cell, and says in which', () => {
    expect(complaint({ 'a.yaml': GOOD.replace('[1, 2]', '[0, 2]') })).toMatchInlineSnapshot(`
      "a.yaml:11:17 sweep.concurrency[0]: 0 is too small - write a whole number of 1 or more
      1 problem in 1 of 1 file. Nothing was launched."
    `);
    expect(complaint({ 'a.yaml': GOOD.replace('isl: 8', 'isl: 61') })).toMatchInlineSnapshot(`
      "a.yaml:9:44 params.max_model_length: 64 is not accepted - isl + osl must fit into max_model_length: set at least 65
      1 problem in 1 of 1 file. Nothing was launched."
    `);
    expect(complaint({ 'a.yaml': GOOD.replace('num_prompts', 'num_promts') })).toMatchInlineSnapshot(`
      "a.yaml:9:26 params.num_promts: unknown field - did you mean \`num_prompts\`?
      1 problem in 1 of 1 file. Nothing was launched."
    `);
    expect(complaint({ 'a.yaml': GOOD.replace('num_prompts: 10', 'num_prompts: "10"') })).toMatchInlineSnapshot(`
      "a.yaml:9:26 params.num_prompts: "10" is a string - write 10 without quotes
      1 problem in 1 of 1 file. Nothing was launched."
    `);
  });

  it('checks coverage both ways, and takes a gap for a warning where nothing is enforced', () => {
    const unjudged = GOOD.replace('[ttft_p99]', '[ttft_p99, tpot_p99]');
    expect(complaint({ 'a.yaml': unjudged })).toMatchInlineSnapshot(`
      "a.yaml:12:24 benchmarks[1]: tpot_p99 has no threshold - add \`- {kind: Percentile, metric: tpot_ms, percentile: 99, op: "<=", value: ...}\`, or set \`enforce: false\` to record only
      1 problem in 1 of 1 file. Nothing was launched."
    `);
    expect(complaint({ 'a.yaml': GOOD.replace('[ttft_p99]', '[]') })).toMatchInlineSnapshot(`
      "a.yaml:14:5 thresholds[0]: no benchmark asks for this Percentile - add ttft_p99 to \`benchmarks:\`, or remove it
      a.yaml:15:5 thresholds[1]: no benchmark asks for this Percentile - add ttft_p99 to \`benchmarks:\`, or remove it
      2 problems in 1 of 1 file. Nothing was launched."
    `);
    const { cells, warnings } = loadFiles({ 'a.yaml': `${unjudged}enforce: false\n` });
    expect(cells).toHaveLength(2);
    expect(warnings.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      'benchmarks[1]: tpot_p99 has no threshold',
    ]);
  });

  it.each(['enforce: true\n', 'enforce: false\n'])('warns of a time that is bound from below under %j', (enforce) => {
    const { cells, warnings } = loadFiles({ 'a.yaml': `${GOOD.replaceAll('"<="', '">="')}${enforce}` });
    expect(cells).toHaveLength(2);
    expect(warnings.map(formatProblem)).toEqual([
      expect.stringMatching(
        /^a\.yaml:14:\d+ thresholds\[0\]\.op: ttft_ms >= 50 is a bound that a slower run passes - write op: "<=" unless it is meant$/,
      ),
      expect.stringMatching(/^a\.yaml:15:\d+ thresholds\[1\]\.op: ttft_ms >= \d+ is a bound/),
    ]);
  });

  it.each([
    ['kv_transfer_ms', 1],
    ['prefill_done_ns', 0],
    ['output_tokens', 0],
    ['queue_depth', 0],
  ])('takes %s for a time or not', (metric, doubts) => {
    expect(checkFloors([{ kind: 'Percentile', metric, percentile: 1, op: '>', value: 5 }])).toHaveLength(doubts);
    expect(checkFloors([{ kind: 'Percentile', metric, percentile: 1, op: '<', value: 5 }])).toEqual([]);
  });

  it('refuses thresholds that cannot fail, and two that judge the same with the same right', () => {
    expect(complaint({ 'a.yaml': GOOD.replace('value: 50', 'value: 10000000') })).toMatchInlineSnapshot(`
      "a.yaml:14:5 thresholds[0]: cannot fail: no value is above 10000000 - set a bound that can fail
      1 problem in 1 of 1 file. Nothing was launched."
    `);
    expect(complaint({ 'a.yaml': GOOD.replace(', when: {concurrency: 2}', '') })).toMatchInlineSnapshot(`
      "a.yaml:15:5 thresholds[1]: judges ttft_p99, and so does the threshold at a.yaml:14 - remove one, or make its \`when:\` more specific
      1 problem in 1 of 1 file. Nothing was launched."
    `);
  });

  it.each([
    ['percentile: 99', 'percentil: 99', 'thresholds[0].percentil: unknown field - did you mean `percentile`?'],
    [
      'kind: Percentile',
      'kind: Percentle',
      'thresholds[0].kind: "Percentle" is not accepted - did you mean "Percentile"?',
    ],
    ['kind: Percentile', 'kind: Sum', '"Sum" is not accepted - use "Percentile", "Rate", "Goodput", "Convergence"'],
    ['kind: Percentile', 'kid: Percentile', 'thresholds[0].kid: unknown field - did you mean `kind`?'],
    ['count: 1', 'count: 1, gpus_per_nod: 1', 'server.gpus_per_nod: unknown field - did you mean `gpus_per_node`?'],
  ])('says what was meant where %s is written %s', (right, wrong, expected) => {
    expect(complaint({ 'a.yaml': GOOD.replace(right, wrong) })).toContain(expected);
  });

  it('names the field of a Goodput that was meant inside its pair', () => {
    const goodput =
      '{kind: Goodput, ttft_max_ms: 9, tpot_max_ms: 9, op: ">=", min_qps: 1, metric_pair: {ttf: a, tpot: tpot_ms}}';
    expect(complaint({ 'a.yaml': `${GOOD}  - ${goodput}\n` })).toContain(
      'a.yaml:16:89 thresholds[2].metric_pair.ttf: unknown field - did you mean `ttft`?',
    );
  });

  it('knows the metrics of the framework, and takes another for a threshold that cannot fail', () => {
    const pair =
      '{kind: Goodput, ttft_max_ms: 9, tpot_max_ms: 9, op: ">=", min_qps: 1, metric_pair: {ttft: ttft, tpot: tpot_ms}}';
    const unknown = `${GOOD.replaceAll('ttft_ms', 'ttft_mss').replace('[ttft_p99]', '[ttft_mss_p99, goodput]')}  - ${pair}\n`;
    expect(complaint({ 'a.yaml': unknown })).toMatchInlineSnapshot(`
      "a.yaml:14:24 thresholds[0].metric: llama_cpp emits no ttft_mss - did you mean \`ttft_ms\`?
      a.yaml:15:24 thresholds[1].metric: llama_cpp emits no ttft_mss - did you mean \`ttft_ms\`?
      a.yaml:16:89 thresholds[2].metric_pair.ttft: llama_cpp emits no ttft - did you mean \`ttft_ms\`?
      3 problems in 1 of 1 file. Nothing was launched."
    `);
    expect(loadFiles({ 'a.yaml': `${unknown}enforce: false\n` }).warnings.map(({ path }) => path)).toEqual([
      'thresholds[0].metric',
      'thresholds[1].metric',
      'thresholds[2].metric_pair.ttft',
    ]);
    expect(complaint({ 'a.yaml': GOOD.replaceAll('ttft_ms', 'step').replace('[ttft_p99]', '[step_p99]') })).toContain(
      'thresholds[0].metric: llama_cpp emits no step - use one of ttft_ms, tpot_ms, itl_ms, e2el_ms,',
    );
  });

  it.each([
    ['{concurency: 2}', 'did you mean `concurrency`?'],
    ['{engine: 2}', 'use one of the axes isl, osl, shape, concurrency'],
    ['{concurrency: 22}', 'concurrency is 1 or 2 here'],
    ['{concurrency: "2"}', 'write 2 without quotes'],
    ['{shape: long}', 'shape is "short" or "wide" here'],
    ['{isl: 9, concurrency: 2}', 'each value is there, but no cell has all of them'],
  ])('refuses a `when:` that selects no cell: %s', (when, hint) => {
    const swept = GOOD.replace('isl: 8, osl: 4, ', '')
      .replace('when: {concurrency: 2}', `when: ${when}`)
      .replace('[1, 2]', '[1, 2]\n  shape: [{isl: 8, osl: 4, name: short}, {isl: 9, osl: 4, name: wide}]')
      .replace('benchmarks', '  exclude: [{isl: 9, concurrency: 2}]\nbenchmarks');
    const expected = `17:78 thresholds[1].when: ${JSON.stringify(toJson(when))} selects no cell - ${hint}\n1 problem`;
    expect(complaint({ 'a.yaml': swept })).toContain(expected);
    expect(complaint({ 'a.yaml': `${swept}enforce: false\n` })).toContain(expected);
  });

  it('finds a tie only among the most specific thresholds, in whatever order they stand', () => {
    const by = (value: number, when: string): string =>
      `  - {kind: Percentile, metric: ttft_ms, percentile: 99, op: "<=", value: ${value}, when: {${when}}}\n`;
    const judged = (...lines: readonly string[]): string =>
      GOOD.replace('[1, 2]', '[1, 2]\n  threads: [1, 2]\n  exclude: [{concurrency: 1, threads: 2}]').replace(
        /thresholds:[^]*/,
        `thresholds:\n${lines.join('')}`,
      );
    const [one, two, both] = [by(1, 'concurrency: 2'), by(2, 'threads: 1'), by(3, 'concurrency: 2, threads: 1')];
    for (const order of [
      [one, two, both],
      [one, both, two],
      [both, one, two],
    ]) {
      const { cells } = loadFiles({ 'a.yaml': judged(...order) });
      const cell = cells.find(({ cellId }) => cellId === 'conc2-threads1');
      expect(cell?.thresholds.map(({ threshold }) => threshold)).toMatchObject([{ value: 3 }]);
    }
    expect(complaint({ 'a.yaml': judged(one, two) })).toContain(
      'thresholds[1]: judges ttft_p99, and so does the threshold at a.yaml:16',
    );
  });

  it.each(['constructor', 'toString', 'hasOwnProperty'])('takes %s for a name like any other', (name) => {
    const problems = (from: string, to: string): string => complaint({ 'a.yaml': GOOD.replace(from, to) });
    expect(problems('isl: 8,', `isl: 8, ${name}: 3,`)).toContain(`params.${name}: unknown field`);
    expect(problems('[1, 2]', `[1, 2]\n  ${name}: [1, 2]`)).toContain(`sweep.${name}: unknown field`);
    expect(problems('quant: f32', `quant: f32, ${name}: 1`)).toBe('loaded');
    expect(problems('{server:', `{${name}: {count: 1}, server:`)).toContain(`topology.roles.${name}: `);
    expect(problems('when: {concurrency', `when: {${name}`)).toContain('the only axis is concurrency');
    expect(problems('knobs:', `id_knobs: [${name}]\nknobs:`)).toContain(`this config has no knob ${name}`);
    expect(problems('test_id', `${name}: *none\ntest_id`)).toContain(`${name}: `);
    expect(problems('ttft_ms', `x_${name}`)).toContain(`emits no x_${name}`);
  });

  it('has no field called __proto__', () => {
    for (const [from, to] of [
      ['isl: 8,', 'isl: 8, __proto__: 3,'],
      ['[1, 2]', '[1, 2]\n  __proto__: [1, 2]'],
      ['quant: f32', 'quant: f32, __proto__: 1'],
      ['{server:', '{__proto__: {count: 1}, server:'],
      ['when: {concurrency', 'when: {__proto__'],
    ] as const) {
      expect(complaint({ 'a.yaml': GOOD.replace(from, to) })).toContain('no field is called __proto__ - remove it');
    }
  });

  it('does not advise a config that only records to record only', () => {
    writeFileSync(join(root, 'a.yaml'), `${GOOD.replace('[ttft_p99]', '[ttft_p99, tpot_p99, mine]')}enforce: false\n`);
    const { warnings } = loadConfigs(['a.yaml'], { root, specs, env: {}, overrides: [] });
    expect(warnings.map(({ hint }) => hint)).toEqual([
      'add `- {kind: Percentile, metric: tpot_ms, percentile: 99, op: "<=", value: ...}`',
      'add a threshold with `benchmark: mine`',
    ]);
  });

  it('refuses two configs of one test_id, whatever their cells, once and at the place', () => {
    const message =
      'b.yaml:2:1 test_id: demo is also the test_id of a.yaml - give the config its own test_id\n1 problem';
    expect(complaint({ 'a.yaml': GOOD, 'b.yaml': GOOD })).toContain(message);
    const apart = GOOD.replace('[1, 2]', '[3, 4]').replace('when: {concurrency: 2}', 'when: {concurrency: 3}');
    expect(complaint({ 'a.yaml': GOOD, 'b.yaml': apart })).toContain(message);
  });

  it('refuses two configs whose claims have one name, and names the knob to add', () => {
    const other = GOOD.replace('test_id: demo', 'test_id: demo2');
    expect(complaint({ 'a.yaml': GOOD, 'b.yaml': other })).toMatchInlineSnapshot(`
      "b.yaml:8:1 knobs: tests of this config and of a.yaml would have the same names, such as [llama_cpp-tiny-cpu-f32-conc1] - no knob tells them apart: add one, such as \`variant: b\`, and \`id_knobs: [attention, quant, variant]\`
      1 problem in 1 of 2 files. Nothing was launched."
    `);
    const kv = other.replace('quant: f32', 'quant: f32, kv: q8');
    expect(complaint({ 'a.yaml': GOOD, 'b.yaml': `${kv}id_knobs: [quant]\n` })).toMatchInlineSnapshot(`
      "b.yaml:16:1 id_knobs: tests of this config and of a.yaml would have the same names, such as [llama_cpp-tiny-cpu-f32-conc1] - write \`id_knobs: [quant, kv]\`
      1 problem in 1 of 2 files. Nothing was launched."
    `);
    const named = `${kv}id_knobs: [quant, kv]\n`;
    expect(complaint({ 'a.yaml': GOOD, 'b.yaml': named })).toBe('loaded');
  });

  it('refuses two different values with one tag', () => {
    const quant = (id: string, value: string): string =>
      GOOD.replace('test_id: demo', `test_id: ${id}`).replace('quant: f32', `quant: ${value}`);
    expect(complaint({ 'a.yaml': quant('de.mo', 'q4'), 'b.yaml': quant('de-mo', 'q8') })).toMatchInlineSnapshot(`
      "b.yaml:2:1 test_id: de-mo has the tag config_de_mo, and so has de.mo in a.yaml - make them differ in letters or digits
      1 problem in 1 of 2 files. Nothing was launched."
    `);
    expect(complaint({ 'a.yaml': quant('x', 'Q4'), 'b.yaml': quant('y', 'q4').replace('[1, 2]', '[2, 3]') })).toContain(
      'b.yaml:8:9 knobs.quant: quant = q4 has the tag knob_quant_q4, and so has quant = Q4 in a.yaml - make them differ',
    );
    expect(complaint({ 'a.yaml': quant('x', 'q4'), 'b.yaml': quant('y', 'q8') })).toBe('loaded');
    const options = GOOD.replace('isl: 8, ', '').replace(
      'concurrency: [1, 2]',
      'concurrency: [2]\n  shape: [{isl: 8, name: a.b}, {isl: 9, name: a_b}]',
    );
    expect(complaint({ 'a.yaml': options })).toContain(
      'a.yaml:10:1 sweep: a_b-conc2 has the tag cell_a_b_conc2, and so has a.b-conc2 in a.yaml',
    );
    const benchmarks = GOOD.replace('[ttft_p99]', '[ttft_p99, TTFT_p99]');
    expect(complaint({ 'a.yaml': benchmarks })).toContain('benchmarks[1]: TTFT_p99 has the tag benchmark_ttft_p99');
  });
});
