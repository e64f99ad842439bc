import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { noSamples, parsed, SAMPLES } from './logs.ts';

const DEVICES = 4;

/** Fields of the step lines of a log, read without the adapter: what stands between commas, by name. */
function fieldsOf(text: string): readonly (readonly [number, Readonly<Record<string, number>>])[] {
  return text
    .split('\n')
    .filter((line) => line.includes('completed step: '))
    .map((line) => {
      const parts = line
        .slice(line.indexOf('completed step: '))
        .split(', ')
        .map((part) => part.split(': '));
      const fields = Object.fromEntries(parts.map(([name = '', value]) => [name, Number(value)]));
      return [fields['completed step'] ?? NaN, fields];
    });
}

/** The mean of a rate over the time of what each line stands for: the steps since the line before. */
function weighted(lines: ReturnType<typeof fieldsOf>, name: string): number {
  const kept = lines.slice(2).map(([step, fields], index) => {
    const seconds = (fields['seconds'] ?? NaN) * (step - (lines[index + 1]?.[0] ?? NaN));
    return { amount: (fields[name] ?? NaN) * seconds, seconds };
  });
  return kept.reduce((sum, { amount }) => sum + amount, 0) / kept.reduce((sum, { seconds }) => sum + seconds, 0);
}

describe.skipIf(noSamples !== null)(`published logs of MaxText${noSamples === null ? '' : ` (${noSamples})`}`, () => {
  it.each(['maxtext_docs_deepseek2_16b_v5p.log', 'idx53861824533_maxtext_nan_tpu_v6e.log'])(
    '%s: every row and figure is what its lines say',
    async (name) => {
      const text = readFileSync(join(SAMPLES, name), 'utf8');
      const { result, points } = await parsed([text], { params: { fsdp: DEVICES } });
      const lines = fieldsOf(text);
      const expected = lines.flatMap(([step, fields], index) => {
        const warmup = index < 2 ? 'warmup_' : '';
        return [
          [step, 'loss', fields['loss']],
          [step, `${warmup}step_time_ms`, (fields['seconds'] ?? NaN) * 1000],
          [step, `${warmup}throughput`, (fields['Tokens/s/device'] ?? NaN) * DEVICES],
          [step, `${warmup}tokens_per_gpu`, fields['Tokens/s/device']],
          [step, `${warmup}tflops_per_gpu`, fields['TFLOP/s/device']],
        ];
      });
      expect(points.map(({ step, metric, value }) => [step, metric, value])).toEqual(expected);
      const losses = lines.map(([, { loss }]) => loss);
      expect(result.scalars).toMatchObject({
        steps: lines.length,
        warmup_steps_dropped: 2,
        loss_first: losses[0],
        loss_final: losses.at(-1),
        nan_steps: losses.filter((loss) => Number.isNaN(loss)).length,
        restarts: 0,
        devices: DEVICES,
      });
      expect(result.scalars['throughput_tps']).toBeCloseTo(weighted(lines, 'Tokens/s/device') * DEVICES, 6);
      expect(result.scalars['tflops_per_gpu']).toBeCloseTo(weighted(lines, 'TFLOP/s/device'), 6);
    },
  );

  it('evaluations have rows of their own, beside the steps', async () => {
    const text = readFileSync(join(SAMPLES, 'maxtext_eval_lines.log'), 'utf8');
    const { result, points } = await parsed([text], { params: { fsdp: DEVICES } });
    const rows = points.filter(({ metric }) => metric === 'eval_loss').map(({ step, value }) => [step, value]);
    expect(rows).toEqual([
      [4, 9.855],
      [9, 9.42],
    ]);
    expect(result.scalars).toMatchObject({ eval_loss_final: 9.42, steps: 2 });
  });

  it('single lines of several releases are each a step', async () => {
    const text = readFileSync(join(SAMPLES, 'tpu_recipes_single_lines.txt'), 'utf8');
    const lines = fieldsOf(text);
    expect(lines).toHaveLength(24);
    for (const [step, fields] of lines) {
      const line = text
        .split('\n')
        .find((one) => one.includes(`completed step: ${step}, seconds: ${fields['seconds']?.toFixed(3)}`));
      const { points } = await parsed([line ?? ''], { params: { fsdp: DEVICES } });
      expect(points.map(({ metric, value }) => [metric.replace('warmup_', ''), value])).toEqual([
        ['loss', fields['loss']],
        ['step_time_ms', (fields['seconds'] ?? NaN) * 1000],
        ['throughput', (fields['Tokens/s/device'] ?? NaN) * DEVICES],
        ['tokens_per_gpu', fields['Tokens/s/device']],
        ['tflops_per_gpu', fields['TFLOP/s/device']],
      ]);
    }
  });
});
