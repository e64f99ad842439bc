import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfigs } from '../../../src/config/load.ts';
import { parseOverride } from '../../../src/config/override.ts';
import { formatProblem } from '../../../src/config/yaml/problem.ts';
import { frameworks } from '../../../src/session/registry.ts';
import { DEMO_CONFIG } from '../demo-config.ts';

const root = mkdtempSync(join(tmpdir(), 'assay-override-'));
const specs = frameworks.map(({ spec }) => spec);

function load(text: string, ...set: readonly string[]) {
  writeFileSync(join(root, 'demo.yaml'), text);
  const { cells, problems } = loadConfigs(['demo.yaml'], { root, specs, env: {}, overrides: set.map(parseOverride) });
  return { cells, problems: problems.map(formatProblem) };
}

describe('parseOverride', () => {
  it.each([
    ['params.num_prompts=100', ['params', 'num_prompts'], 100],
    ['thresholds[0].value=1.5', ['thresholds', 0, 'value'], 1.5],
    ['sweep.concurrency=[8, 16]', ['sweep', 'concurrency'], [8, 16]],
    ['model.path=a=b', ['model', 'path'], 'a=b'],
    ['knobs={quant: fp8}', ['knobs'], { quant: 'fp8' }],
  ])('reads %s', (text, path, value) => {
    expect(parseOverride(text)).toEqual({ path, value });
  });

  it.each(['num_prompts', '=3', 'a..b=1', 'a[x]=1', 'a=', 'a=[1'])('refuses %s', (text) => {
    expect(() => parseOverride(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});

describe('an override', () => {
  it('takes the place of what the config says, in every cell', () => {
    const { cells, problems } = load(DEMO_CONFIG, 'params.num_prompts=3', 'thresholds[0].value=70');
    expect(problems).toEqual([]);
    expect(cells.map(({ params }) => params['num_prompts'])).toEqual([3, 3]);
    expect(cells[0]?.thresholds).toMatchObject([{ threshold: { value: 70 } }]);
  });

  it('is checked like the config, and says where it comes from', () => {
    expect(load(DEMO_CONFIG, 'params.num_prompts=many').problems).toEqual([
      'demo.yaml:9:26 params.num_prompts (from --set): "many" is not a number - write a whole number of 1 or more',
    ]);
    expect(load(DEMO_CONFIG, 'model.id=<changeme>').problems).toEqual([
      expect.stringContaining('model.id (from --set): "<changeme>" is still to be filled in'),
    ]);
    expect(load(DEMO_CONFIG, 'model.path=${env:NOWHERE}').problems).toEqual([
      expect.stringContaining('NOWHERE is not set in the environment'),
    ]);
  });

  it('stands in for a placeholder that nothing fills in', () => {
    const open = DEMO_CONFIG.replace('test_id: demo', 'test_id: ${env:NOWHERE}');
    expect(load(open).problems).toHaveLength(1);
    expect(load(open, 'test_id=here')).toMatchObject({ problems: [], cells: [{ key: 'here/conc1' }, {}] });
  });

  it('of a swept param says to override the axis', () => {
    expect(load(DEMO_CONFIG, 'params.concurrency=8').problems).toEqual([
      expect.stringContaining(
        "sweep.concurrency sets concurrency - override the axis: --set 'sweep.concurrency=[...]'",
      ),
    ]);
  });

  it('of an axis may leave filters and bounds of other cells without work, but no benchmark without a bound', () => {
    const filtered = DEMO_CONFIG.replace('[1, 2]}', '[1, 2, 4], exclude: [{concurrency: 4}]}').replace(
      'value: 50}]',
      'value: 50}, {kind: Percentile, metric: ttft_ms, percentile: 99, op: "<=", value: 90, when: {concurrency: 2}}]',
    );
    const { cells, problems } = load(filtered, 'sweep.concurrency=[8]');
    expect(problems).toEqual([]);
    expect(cells.map(({ cellId }) => cellId)).toEqual(['conc8']);
    const partial = DEMO_CONFIG.replace('value: 50}', 'value: 50, when: {concurrency: 2}}');
    expect(load(partial, 'sweep.concurrency=[8]').problems).toEqual([
      expect.stringContaining('benchmarks[0]: ttft_p99 has no threshold'),
    ]);
  });
});
