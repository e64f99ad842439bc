import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Manifest } from '../../../src/evidence/manifest.ts';
import { checkEvidence, readManifest } from '../../../src/evidence/run-reader.ts';
import type { RunContext } from '../../../src/lifecycle/adapter.ts';
import type { Instrument, Target } from '../../../src/lifecycle/instrument.ts';
import { Instruments } from '../../../src/lifecycle/instruments.ts';
import { DEMO_CONFIG } from '../demo-config.ts';
import { startedRun } from '../started-run.ts';
import { contextOf, runQuietly, Serving } from './job-bench.ts';

const CONFIG = `${DEMO_CONFIG}enforce: false\n`;
const COMMAND = { file: process.execPath, args: ['-e', 'console.log("up"); setInterval(() => {}, 1000)'] };
const SECONDS = expect.any(Number);

/** An instrument that writes one file and notes what is asked of it. */
class Scripted implements Instrument {
  readonly id = 'power';
  readonly claims = ['energy_per_token'];
  readonly calls: string[] = [];
  targets: readonly Target[] = [];
  missing: readonly string[] = [];
  /** The steps that throw. */
  breaks: readonly string[] = [];

  constructor(change: Partial<Pick<Scripted, 'missing' | 'breaks'>> = {}) {
    Object.assign(this, change);
  }

  async probe(): Promise<readonly string[]> {
    this.#does('probe');
    return this.missing;
  }

  async attach(...[context, targets]: Parameters<Instrument['attach']>): Promise<void> {
    this.targets = targets;
    this.#does('attach');
    context.write('samples.csv', 'watts\n');
    writeFileSync(join(context.folder, 'raw.bin'), '');
  }

  async detach(): Promise<void> {
    // It runs on until everything is detached.
    for (const { pid } of this.targets) process.kill(pid, 0);
    this.#does('detach');
  }

  async ingest(): ReturnType<Instrument['ingest']> {
    this.#does('ingest');
    return { energy_j: 12, peak_w: null, broken_w: Number.NaN };
  }

  #does(step: string): void {
    this.calls.push(step);
    if (this.breaks.includes(step)) throw new Error(`no ${step}`);
  }
}

async function run(instrument: Instrument, work?: (context: RunContext) => Promise<void>): Promise<Manifest> {
  const request = startedRun(CONFIG);
  const context = contextOf(request, { instruments: [instrument] });
  const manifest = await runQuietly(new Serving(COMMAND, work), context);
  await context.hosts.close();
  expect(readManifest(request.folder)).toEqual(manifest);
  await checkEvidence(request.folder, manifest, { hashes: 'all' });
  expect(manifest.teardown).toMatchObject({ orphans: 0, error: null });
  return manifest;
}

describe('an instrument of a run', () => {
  it('attaches to what was launched, and leaves its files and a block in the manifest', async () => {
    const instrument = new Scripted();
    const manifest = await run(instrument);
    expect(manifest).toMatchObject({ status: 'recorded' });
    expect(manifest.instruments).toEqual({
      power: {
        status: 'ok',
        reasons: [],
        folder: 'instruments/power',
        claims: ['energy_per_token'],
        values: { energy_j: 12, peak_w: null, broken_w: null },
        cost: { attach_s: SECONDS, detach_s: SECONDS, ingest_s: SECONDS },
      },
    });
    expect(instrument.targets).toEqual([{ role: 'server', host: 'localhost', pid: manifest.launches[0]?.pid }]);
    expect(instrument.calls).toEqual(['probe', 'attach', 'detach', 'ingest']);
    expect(Object.keys(manifest.sidecars)).toEqual(
      expect.arrayContaining(['instruments/power/raw.bin', 'instruments/power/samples.csv']),
    );
  });

  it.each<[string, Partial<Scripted>, string]>([
    ['something is missing', { missing: ['no rapl on localhost'] }, 'no rapl on localhost'],
    ['it cannot even say so', { breaks: ['probe'] }, 'probe: no probe'],
  ])('is unavailable when %s, and is not attached', async (...[, change, reason]) => {
    const instrument = new Scripted(change);
    const { status, instruments, sidecars } = await run(instrument);
    expect(status).toBe('recorded');
    expect(instruments['power']).toMatchObject({
      status: 'unavailable',
      reasons: [reason],
      values: {},
      cost: { attach_s: null, detach_s: null, ingest_s: null },
    });
    expect(instrument.calls).toEqual(['probe']);
    expect(Object.keys(sidecars).filter((path) => path.startsWith('instruments'))).toEqual([]);
  });

  it.each<[string, readonly string[], object]>([
    ['attach', ['probe', 'attach', 'detach'], { attach_s: SECONDS, detach_s: SECONDS, ingest_s: null }],
    ['detach', ['probe', 'attach', 'detach', 'ingest'], { detach_s: SECONDS, ingest_s: SECONDS }],
    ['ingest', ['probe', 'attach', 'detach', 'ingest'], { ingest_s: SECONDS }],
  ])('is degraded when %s fails, and the workload is not', async (...[step, calls, cost]) => {
    const instrument = new Scripted({ breaks: [step] });
    const { status, instruments } = await run(instrument);
    expect(status).toBe('recorded');
    expect(instruments['power']).toMatchObject({
      status: 'degraded',
      reasons: [`${step}: no ${step}`],
      values: step === 'detach' ? { energy_j: 12 } : {},
      cost,
    });
    expect(instrument.calls).toEqual(calls);
  });

  it('is detached while the roles still run when the workload fails', async () => {
    const instrument = new Scripted();
    const { status, failure, instruments } = await run(instrument, () => Promise.reject(new Error('no answer')));
    expect(status).toBe('failed_safety');
    expect(failure?.message).toBe('not classified: no answer');
    expect(instruments['power']).toMatchObject({ status: 'ok', reasons: [] });
    expect(instrument.calls).toEqual(['probe', 'attach', 'detach', 'ingest']);
  });
});

describe('Instruments', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('say that a run ended before they could attach, and attach to it no more', async () => {
    const instrument = new Scripted();
    const instruments = new Instruments(contextOf(startedRun(CONFIG), { instruments: [instrument] }));
    await instruments.probe();
    expect(await instruments.end()).toMatchObject({
      power: { status: 'unavailable', reasons: ['the run ended before it could attach'] },
    });
    await instruments.attach();
    expect(instrument.calls).toEqual(['probe']);
  });

  it('go on without one that never comes back', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const instrument = Object.assign(new Scripted(), { detach: () => new Promise(() => undefined) });
    const instruments = new Instruments(contextOf(startedRun(CONFIG), { instruments: [instrument] }));
    await instruments.probe();
    await instruments.attach();
    const ending = instruments.end();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await ending).toMatchObject({
      power: { status: 'degraded', reasons: ['detach: it was not done after 30 s'], values: { energy_j: 12 } },
    });
  });
});
