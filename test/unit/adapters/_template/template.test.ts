import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { toy } from '../../../../src/adapters/_template/index.ts';
import { parseStep } from '../../../../src/adapters/_template/parse.ts';
import { readTrajectory } from '../../../../src/evidence/tables/read-columns.ts';
import { runTemplate } from './run-template.ts';
import type { TemplateRun } from './run-template.ts';

const CONFIG = `
schema_version: "2"
test_id: toy
target_gpu: cpu
framework: toy
workload_kind: training
topology: {roles: {worker: {count: 1}}}
model: toy
params: {steps: 4}
benchmarks: [loss_finite, convergence]
thresholds:
  - {kind: Convergence, metric: loss, target: 0, epsilon: 0.3}
`;

/** A \toytrain whose loss is 1 / step, or NaN from one step on. */
const trainer = (nanFrom: number): string => `
const { steps } = require('node:util').parseArgs({
  options: { steps: { type: 'string' }, 'learning-rate': { type: 'string' }, seed: { type: 'string' } },
}).values;
for (let step = 1; step <= Number(steps); step++)
  console.log('step=' + step + ' loss=' + (step >= ${nanFrom} ? 'nan' : 1 / step) + ' time_ms=' + step * 10);
`;

const train = (nanFrom = Infinity): Promise<TemplateRun> => runTemplate(toy, CONFIG, { toytrain: trainer(nanFrom) });

afterEach(() => vi.unstubAllEnvs());

describe('the template of an adapter', () => {
  it('trains, and is judged by its log', async () => {
    const { folder, manifest } = await train();
    expect(manifest.status).toBe('passed');
    expect(manifest.verdicts.map(({ benchmark, actual }) => [benchmark, actual])).toEqual([
      ['convergence', 0.25],
      ['loss_finite', 0],
    ]);
    expect(manifest.result.scalars).toMatchObject({ steps: 4, step_time_mean_ms: 30, loss_final: 0.25 });
    const series = await readTrajectory(join(folder, 'trajectory.parquet'));
    const shown = series.map(({ metric, steps, values }) => [metric, [...steps], [...values]]);
    expect(Object.fromEntries(shown.map(([metric, ...rest]) => [metric, rest]))).toEqual({
      loss: [
        [1, 2, 3, 4],
        [1, 1 / 2, 1 / 3, 1 / 4],
      ],
      step_time_ms: [
        [2, 3, 4],
        [20, 30, 40],
      ],
      warmup_step_time_ms: [[1], [10]],
    });
  });

  it('is ended by a loss that is no number', async () => {
    const { manifest } = await train(3);
    expect([manifest.status, manifest.failure?.message]).toEqual([
      'failed_safety',
      'loss_finite: loss is NaN at step 3',
    ]);
  });

  it.each(['', 'step=1', 'step=1 loss=2', 'step=x loss=2 time_ms=3', ' step=1 loss=2 time_ms=3'])(
    'takes nothing from a line of another shape: %j',
    (line) => expect(parseStep(line)).toBe(null),
  );

  it('has the files that every adapter has', () => {
    const folder = new URL('../../../../src/adapters/', import.meta.url);
    const names = readdirSync(folder).filter((name) => name !== 'shared');
    const usual = ['index.ts', 'launch.ts', 'params.ts', 'parse.ts', 'progress.ts'];
    const without = names.filter((name) => {
      const files = readdirSync(new URL(name, folder));
      return usual.some((file) => !files.includes(file));
    });
    expect(without).toEqual([]);
  });
});
