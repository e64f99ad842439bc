import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseTraining } from '../../../../src/adapters/jax-js/parse.ts';
import { renderLine, type WorkerLine } from '../../../../src/adapters/jax-js/worker-lines.ts';
import type { TrajectoryRow } from '../../../../src/evidence/tables/trajectory.ts';
import type { ParseContext } from '../../../../src/lifecycle/adapter.ts';

const MODEL = 'the weights';
const digest = (letter: string): string => letter.repeat(12).padEnd(64, '0');

const START: WorkerLine = {
  event: 'start',
  ranks: 2,
  parameters: 468_352,
  corpus_sha256: digest('c'),
  jax_js: '0.1.25',
  node: 'v20.19.0',
};

/** Step 0 compiles for a second; the others take 100 ms, of which rank 1 exchanges for 10 and rank 0 for 30. */
function stepOf(step: number, rank: number, loss = 5 - step): WorkerLine {
  const [stepMs, commMs] = [step === 0 ? 1000 : 100, rank === 0 ? 30 : 10];
  return {
    event: 'step',
    step,
    rank,
    ts_ms: 1_700_000_001_000 + step * 100,
    loss,
    grad_norm: 1,
    learning_rate: 0.003,
    step_time_ms: stepMs,
    comm_ms: commMs,
    compute_ms: stepMs - commMs,
    tokens: 64,
    tokens_per_second: 128_000 / stepMs,
  };
}

const END: readonly WorkerLine[] = [
  { event: 'weights', rank: 1, sha256: digest('a') },
  { event: 'weights', rank: 0, sha256: digest('a') },
  { event: 'held_out', nll: 2.5, windows: 4, window_length: 128 },
  {
    event: 'model',
    file: 'byte-llama.gguf',
    sha256: createHash('sha256').update(MODEL).digest('hex'),
    bytes: MODEL.length,
  },
];

const STEPS = [0, 1, 2].flatMap((step) => [stepOf(step, 1), stepOf(step, 0)]);

async function parse(lines: readonly WorkerLine[], model: string | null = MODEL) {
  const folder = mkdtempSync(join(tmpdir(), 'assay-jax-js-'));
  mkdirSync(join(folder, 'logs'));
  mkdirSync(join(folder, 'attachments/model'), { recursive: true });
  const printed = lines.flatMap((line) => [renderLine(line), 'something else']);
  writeFileSync(join(folder, 'logs/worker.node-1.log'), `${printed.join('\n')}\n`);
  if (model !== null) writeFileSync(join(folder, 'attachments/model/byte-llama.gguf'), model);
  const points: TrajectoryRow[] = [];
  const run = {
    params: { ranks: 2, steps: 3, micro_batch_size: 2, sequence_length: 32 },
    bindings: { worker: ['node-1'] },
  };
  const writer = { point: (row: TrajectoryRow) => points.push(row), sample: () => expect.unreachable() };
  const result = await parseTraining({ folder, run, writer } as unknown as ParseContext);
  return { result, points };
}

describe('what a jax_js training leaves', () => {
  it('is read in figures', async () => {
    const { result } = await parse([START, ...STEPS, ...END]);
    expect(result).toEqual({
      scalars: {
        throughput_tps: 1280,
        tokens_per_gpu_tps: null,
        tflops_per_gpu: null,
        step_time_mean_ms: 100,
        step_time_p50_ms: 100,
        step_time_p90_ms: 100,
        step_time_p99_ms: 100,
        loss_first: 5,
        loss_final: 3,
        steps: 3,
        last_step: 2,
        warmup_steps_dropped: 1,
        rewound_steps: 0,
        nan_steps: 0,
        mem_used_peak_gb: null,
        parameters: 468_352,
        weights_agree: 1,
        heldout_nll: 2.5,
        heldout_perplexity: Math.exp(2.5),
        model_intact: 1,
      },
      applied: {
        ranks: { asked: 2, applied: 2 },
        steps: { asked: 3, applied: 3 },
        tokens_per_rank: { asked: 64, applied: 64 },
      },
      frameworkVersions: { '@jax-js/jax': '0.1.25', node: 'v20.19.0' },
      startedAtMs: 1_700_000_001_000,
      durationMs: 200,
    });
  });

  it('is read in points: of every step and rank, times only once it was compiled', async () => {
    const { points } = await parse([START, ...STEPS, ...END]);
    const seriesOf = (metric: string, rank: number): readonly (readonly [number, number])[] =>
      points.filter((row) => row.metric === metric && row.rank === rank).map(({ step, value }) => [step, value]);
    expect([0, 1].map((rank) => seriesOf('loss', rank))).toEqual(
      [0, 1].map(() => [
        [0, 5],
        [1, 4],
        [2, 3],
      ]),
    );
    expect(seriesOf('comm_ms', 0)).toEqual([
      [1, 30],
      [2, 30],
    ]);
    expect(seriesOf('compute_ms', 1)).toEqual([
      [1, 90],
      [2, 90],
    ]);
    expect(seriesOf('warmup_step_time_ms', 0)).toEqual([[0, 1000]]);
    expect([0, 1].map((rank) => seriesOf('weights_checksum', rank))).toEqual(
      [0, 1].map(() => [[2, 0xaa_aa_aa_aa_aa_aa]]),
    );
    expect([0, 1].map((rank) => seriesOf('heldout_nll', rank))).toEqual([[[2, 2.5]], []]);
    expect(points.every(({ role, host }) => role === 'worker' && host === 'node-1')).toBe(true);
  });

  it('says that ranks ended with different weights', async () => {
    const apart = END.map((line): WorkerLine =>
      line.event === 'weights' && line.rank === 1 ? { ...line, sha256: digest('b') } : line,
    );
    const { result } = await parse([START, ...STEPS, ...apart]);
    expect(result.scalars['weights_agree']).toBe(0);
  });

  it('measures nothing that was not said', async () => {
    const { result } = await parse([START, ...STEPS.slice(0, 4), ...END.slice(1, 2)], null);
    expect(result.scalars).toMatchObject({
      weights_agree: null,
      heldout_nll: null,
      heldout_perplexity: null,
      model_intact: null,
    });
    expect(result.applied).toMatchObject({ ranks: { asked: 2, applied: 2 }, steps: { asked: 3, applied: 2 } });
  });

  it('keeps a loss that is no number', async () => {
    const { result, points } = await parse([START, stepOf(0, 0), stepOf(1, 0, NaN)]);
    expect(result.scalars['nan_steps']).toBe(1);
    expect(points.filter(({ metric }) => metric === 'loss').map(({ value }) => value)).toEqual([5, NaN]);
  });

  it('tells a model that is not the one that was trained, and one that is missing', async () => {
    const { result } = await parse([START, ...STEPS, ...END], 'other weights');
    expect(result.scalars['model_intact']).toBe(0);
    await expect(parse([START, ...STEPS, ...END], null)).rejects.toMatchObject({
      category: 'parse_failure',
      message: expect.stringContaining('the model that was trained cannot be read: ENOENT'),
    });
  });

  it('is refused without a step', async () => {
    await expect(parse([START])).rejects.toMatchObject({
      category: 'parse_failure',
      message: 'the log of the worker reports no step',
    });
  });
});
