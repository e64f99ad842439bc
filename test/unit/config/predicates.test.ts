import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { verificationHash } from '../../../src/config/identity.ts';
import { loadConfigs } from '../../../src/config/load.ts';
import { frameworks } from '../../../src/session/registry.ts';
import { smallestConfig } from './schema/valid-configs.ts';

/** The cells of a text, as a file bench.yaml, and the problems that it has. */
function load(text: string) {
  const root = mkdtempSync(join(tmpdir(), 'assay-predicates-'));
  writeFileSync(join(root, 'bench.yaml'), text);
  const specs = frameworks.map(({ spec }) => spec);
  return loadConfigs(['bench.yaml'], { root, specs, env: {}, overrides: [] });
}

function judgesOf(text: string): Record<string, readonly string[]> {
  const { cells, problems } = load(text);
  expect(problems).toEqual([]);
  return Object.fromEntries(
    cells.map(({ cellId, thresholds }) => [
      cellId,
      thresholds.map(({ threshold, source }) => {
        const judge = threshold.kind === 'Predicate' ? threshold.predicate : threshold.kind;
        return `${judge} of ${source}`;
      }),
    ]),
  );
}

const SWEPT = `schema_version: "2"
test_id: trained
target_gpu: cpu
framework: jax_js
workload_kind: training
topology: {roles: {worker: {count: 1}}}
model: tiny
params: {steps: 10}
sweep: {learning_rate: [0.001, 0.01]}
benchmarks:
  - loss_finite
  - convergence
thresholds:
  - {kind: Convergence, metric: loss, target: 2, epsilon: 0.1}
`;

describe('a benchmark that takes no threshold', () => {
  it('is judged in each cell by its own predicate, written where the config asks for it', () => {
    const judges = ['Convergence of bench.yaml:14', 'loss_finite of bench.yaml:11'];
    expect(Object.values(judgesOf(SWEPT))).toEqual([judges, judges]);
  });

  it('shares the list of its judges among cells', () => {
    const [first, second] = load(SWEPT).cells;
    expect(first?.thresholds).toBe(second?.thresholds);
  });

  it('is judged by a threshold instead where one says that it answers it', () => {
    const own = '{kind: Monotonicity, metric: loss, window: 1, tolerance: 9, benchmark: loss_finite';
    const text = `${SWEPT}  - ${own}, when: {learning_rate: 0.01}}\n`;
    expect(Object.values(judgesOf(text))).toEqual([
      ['Convergence of bench.yaml:14', 'loss_finite of bench.yaml:11'],
      ['Convergence of bench.yaml:14', 'Monotonicity of bench.yaml:15'],
    ]);
  });

  it('decides with the others how a run is judged', () => {
    const inputs = { patterns: [], verdictEngineVersion: 1 };
    const hashOf = (text: string) => verificationHash(load(text).cells[0]!.thresholds, inputs);
    expect(hashOf(SWEPT)).not.toBe(hashOf(SWEPT.replace('  - loss_finite\n', '')));
  });

  it('compares ranks and servers only where there are several', () => {
    const trained = (gpus: number) => ({
      ...smallestConfig('megatron'),
      topology: { roles: { worker: { count: 1, gpus_per_node: gpus } } },
      params: { dp: gpus },
      benchmarks: ['no_straggler', 'loss_finite'],
    });
    const names = (config: unknown) =>
      Object.values(judgesOf(dump(config))).map((judges) => judges.map((judge) => judge.replace(/ of .*/, '')));
    expect(names(trained(8))).toEqual([['no_straggler', 'loss_finite']]);
    expect(names(trained(1))).toEqual([['loss_finite']]);
    const served = { ...smallestConfig('sglang_disagg'), benchmarks: ['router_balance'] };
    expect(names(served)).toEqual([['router_balance']]);
  });

  it('has no judge that a config could write', () => {
    const { problems } = load(`${SWEPT}  - {kind: Predicate, predicate: loss_finite}\n`);
    expect(problems).toMatchObject([{ line: 15, message: expect.stringContaining('"Predicate" is not accepted') }]);
  });
});
