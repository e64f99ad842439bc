import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readMp4 } from '../../../../src/adapters/pytorch-xdit/mp4.ts';
import { parsePytorchXdit } from '../../../../src/adapters/pytorch-xdit/parse.ts';
import { WorkloadFailure } from '../../../../src/evidence/failure.ts';
import { runWith } from '../shared/program-probe.ts';

const FIXTURES = new URL('../../../../fixtures/xdit/', import.meta.url).pathname;
const START_MS = Date.UTC(2026, 0, 1);
const FLUX = { pipeline: 'flux_t2i', prompt: 'A small cat', num_inference_steps: 25 };
const UNSTEPPED = { pipeline: 'flux_t2i', prompt: 'A small cat' };
const UNFRAMED = { pipeline: 'wan_i2v', prompt: 'A boat' };
const WAN = { pipeline: 'wan_i2v', prompt: 'A boat', frame_num: 9, num_inference_steps: 40 };

function fixture(name: string): Buffer {
  return readFileSync(`${FIXTURES}${name}`);
}

function left(...names: readonly (readonly [path: string, fixture: string])[]): Record<string, Buffer> {
  return Object.fromEntries(names.map(([path, name]) => [`attachments/xdit/n0/${path}`, fixture(name)]));
}

function runOf(files: Record<string, string | Uint8Array>, params: object, argv: readonly string[] = []) {
  const launches = [{ role: 'worker', argv }];
  return runWith(files, { params, knobs: { attention: 'aiter' }, bindings: { worker: ['n0'] }, launches });
}

describe('images of Flux', () => {
  it('are a row each: seconds become milliseconds, the mean of a step is a share of the image', async () => {
    const { context, samples, points } = runOf(left(['results/timing.json', 'timing.json']), FLUX, ['--seed', '42']);
    const { scalars, durationMs, startedAtMs } = await parsePytorchXdit(context);
    expect(
      samples.map(({ requestId, tsMs, e2elMs, ok, host }) => [requestId, tsMs - START_MS, e2elMs, ok, host]),
    ).toEqual([
      ['0', 0, 2000, true, 'n0'],
      ['1', 2000, 1000, true, 'n0'],
      ['2', 3000, 1500, true, 'n0'],
      ['3', 4500, 500, true, 'n0'],
    ]);
    expect(samples[0]?.more).toEqual({
      generation_ms: 2000,
      vae_decode_ms: 250,
      prompt_id: expect.stringMatching(/^[0-9a-f]{12}$/) as unknown,
      seed: 42,
      num_inference_steps: 25,
      step_time_ms: 80,
      frames: null,
      latency_ms: null,
      fps: null,
      bitrate_kbps: null,
    });
    expect(samples[3]?.more).toMatchObject({ vae_decode_ms: null, step_time_ms: 20 });
    expect(points.map(({ step, metric, value }) => [step, metric, value])).toEqual([
      [0, 'step_time_ms', 80],
      [1, 'step_time_ms', 40],
      [2, 'step_time_ms', 60],
      [3, 'step_time_ms', 20],
    ]);
    expect({ scalars, durationMs, startedAtMs }).toEqual({
      scalars: {
        requests: 4,
        completed: 4,
        failed: 0,
        throughput: 0.8,
        image_throughput: 0.8,
        generation_mean_ms: 1250,
        // One of the four does not say it.
        vae_decode_mean_ms: null,
        step_time_mean_ms: 50,
      },
      durationMs: 5000,
      startedAtMs: null,
    });
  });

  it('have no time of a step where nobody said how many there are, and no seed without one', async () => {
    const { context, samples, points } = runOf(left(['timing.json', 'timing.json']), UNSTEPPED);
    const { scalars } = await parsePytorchXdit(context);
    expect(samples[0]?.more).toMatchObject({ step_time_ms: null, num_inference_steps: null, seed: null });
    expect([scalars['step_time_mean_ms'], points]).toEqual([null, []]);
  });

  it('of a plain list begin with a warm-up, unless it is the only one', async () => {
    const { context, samples } = runOf(left(['timings.json', 'timings.json']), { ...FLUX, num_repetitions: 3 });
    expect((await parsePytorchXdit(context)).durationMs).toBe(3000);
    expect(samples.map(({ e2elMs }) => e2elMs)).toEqual([1000, 2000]);
    const one = runOf({ 'attachments/xdit/n0/timings.json': '[8]' }, FLUX);
    await parsePytorchXdit(one.context);
    expect(one.samples.map(({ e2elMs }) => e2elMs)).toEqual([8000]);
  });
});

describe('videos of Wan', () => {
  const steps = (folder: string): Record<string, Buffer> =>
    left(...[1, 2, 10].map((step) => [`${folder}/rank0_step${step}.json`, `rank0_step${step}.json`] as const));
  const film = left(['video.mp4', 'video.mp4'], ['outputs/args.json', 'args.json']);

  it.each(['outputs', 'outputs/outputs', 'outputs/outputs/outputs'])(
    'in %s are a row each, by their steps',
    async (folder) => {
      const { context, samples, points } = runOf({ ...steps(folder), ...film }, WAN, ['--base_seed', '-1']);
      const { scalars, durationMs } = await parsePytorchXdit(context);
      expect(
        samples.map(({ e2elMs, more }) => [e2elMs, more?.['frames'], more?.['latency_ms'], more?.['fps']]),
      ).toEqual([
        [4500, 9, 500, 2],
        [9000, 9, 1000, 1],
        [18_000, 9, 2000, 0.5],
      ]);
      // 1000 bytes in half a second; only the last film was saved.
      expect(samples.map(({ more }) => more?.['bitrate_kbps'])).toEqual([null, null, 16]);
      expect(samples[0]?.more).toMatchObject({ seed: -1, num_inference_steps: 40, step_time_ms: 112.5 });
      expect(
        points.filter(({ metric }) => metric === 'aggregate_bitrate_kbps').map(({ step, value }) => [step, value]),
      ).toEqual([[2, 16]]);
      expect(points.filter(({ metric }) => metric === 'fps').map(({ value }) => value)).toEqual([2, 1, 0.5]);
      expect({ ...scalars, durationMs }).toMatchObject({
        completed: 3,
        video_throughput: 3 / 31.5,
        aggregate_bitrate_kbps: 16,
        durationMs: 31_500,
      });
    },
  );

  it('have no bitrate without a film, and frames only as asked', async () => {
    const { context, samples } = runOf(steps('outputs'), { ...WAN, frame_num: 41 });
    const { scalars } = await parsePytorchXdit(context);
    expect(samples.map(({ more }) => [more?.['frames'], more?.['bitrate_kbps']])).toEqual([
      [41, null],
      [41, null],
      [41, null],
    ]);
    expect(scalars['aggregate_bitrate_kbps']).toBeNull();
    const unknown = runOf(steps('outputs'), UNFRAMED);
    await parsePytorchXdit(unknown.context);
    expect(unknown.samples[0]?.more).toMatchObject({ frames: null, latency_ms: null, fps: null });
  });

  it('say what the script and the film confirm', async () => {
    const log =
      "[now] INFO: Generation job args: Namespace(task='i2v-A14B', prompt='ring_size=9, a', ulysses_size=8, ring_size=2, frame_num=81)";
    const params = { ...WAN, frame_num: 81, ulysses_degree: 8, ring_degree: 1, size: '720*1280' };
    const { context } = runOf({ ...steps('outputs'), ...film, 'logs/worker.n0.log': log }, params);
    expect((await parsePytorchXdit(context)).applied).toEqual({
      ulysses_degree: { asked: 8, applied: 8 },
      ring_degree: { asked: 1, applied: 2 },
      num_inference_steps: { asked: 40, applied: null },
      frame_num: { asked: 81, applied: 9 },
      size: { asked: '720*1280', applied: null },
      attention: { asked: 'aiter', applied: null },
    });
  });
});

describe('what is refused', () => {
  it.each<[string, Record<string, string | Uint8Array>, object, RegExp]>([
    [
      'nothing at all',
      {},
      FLUX,
      /left no timings - it left no file; accepted: timing\.json .* timings\.json .* rank0_step<n>\.json/,
    ],
    [
      'a file of another name',
      { 'attachments/xdit/n0/results/result.json': '[1]' },
      FLUX,
      /left no timings - it left n0\/results\/result\.json; accepted/,
    ],
    [
      'timings in a folder of another script',
      left(['outputs/timing.json', 'timing.json']),
      FLUX,
      /it left n0\/outputs\/timing\.json; accepted/,
    ],
    [
      'steps outside of the output folders',
      left(['rank0_step1.json', 'rank0_step1.json']),
      WAN,
      /it left n0\/rank0_step1\.json/,
    ],
    [
      'two sets of timings',
      left(['timing.json', 'timing.json'], ['timings.json', 'timings.json']),
      FLUX,
      /left 2 sets of timings, and only one can be the run's - it left n0\/timing\.json, n0\/timings\.json/,
    ],
    [
      'another shape',
      { 'attachments/xdit/n0/timing.json': '{"mean": 1.5}' },
      FLUX,
      /timing\.json \(13 bytes\) is not what this version reads/,
    ],
    [
      'a plain list by the other name',
      left(['timing.json', 'timings.json']),
      FLUX,
      /timing\.json .* is not what this version reads: 0:/,
    ],
    ['a list of nothing', { 'attachments/xdit/n0/timings.json': '[]' }, FLUX, /is not what this version reads/],
    ['a time of nothing', { 'attachments/xdit/n0/timings.json': '[0]' }, FLUX, /is not what this version reads: 0:/],
    [
      'a step without its time',
      { 'attachments/xdit/n0/outputs/rank0_step1.json': '{"elapsed": 1}' },
      WAN,
      /total_time/,
    ],
    [
      'fewer pictures than were asked for',
      left(['timing.json', 'timing.json']),
      { ...FLUX, num_repetitions: 25 },
      /tell of 4 pictures, 25 were asked for/,
    ],
  ])('%s', async (...[, files, params, message]) => {
    const { context, samples } = runOf(files, params);
    await expect(parsePytorchXdit(context)).rejects.toMatchObject({
      category: 'parse_failure',
      message: expect.stringMatching(message) as unknown,
    });
    expect(samples).toEqual([]);
  });

  it('whatever is cut, or is junk, and never a crash', async () => {
    const whole = fixture('timing.json');
    const junk = fc.oneof(
      fc.nat(whole.lastIndexOf(']')).map((length) => whole.subarray(0, length)),
      fc.uint8Array({ maxLength: 100 }),
      fc.json().map((text) => Buffer.from(text)),
    );
    await fc.assert(
      fc.asyncProperty(junk, async (content) => {
        const { context, samples } = runOf({ 'attachments/xdit/n0/timing.json': content }, FLUX);
        const thrown: unknown = await parsePytorchXdit(context).catch((reason: unknown) => reason);
        expect(thrown).toBeInstanceOf(WorkloadFailure);
        expect(samples).toEqual([]);
      }),
      { numRuns: 120 },
    );
  });
});

describe('a film', () => {
  const whole = fixture('video.mp4');

  it('says how many frames it has, and how long they play', () => {
    expect(readMp4(whole)).toEqual({ frames: 9, durationMs: 500 });
  });

  it('that is cut says nothing, or the truth', () => {
    for (let length = 0; length < whole.length; length++) expect(readMp4(whole.subarray(0, length))).toBeNull();
  });

  it('is no reason to crash, whatever it holds', () => {
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.uint8Array({ minLength: 1, maxLength: 16 }), (at, bytes) => {
        const changed = Buffer.from(whole);
        changed.set(bytes.slice(0, whole.length - at), at);
        const film = readMp4(changed);
        if (film !== null) expect(film.durationMs).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });
});
