import { describe, expect, it } from 'vitest';
import type { SendNext } from '../../../../src/adapters/shared/arrivals.ts';
import { arrivalOffsetsMs, runArrivals } from '../../../../src/adapters/shared/arrivals.ts';
import { waitUntil } from '../../../../src/adapters/shared/fine-wait.ts';
import type { Arrival, OpenArrival } from '../../../../src/adapters/shared/load-plan.ts';
import { createRandom } from '../../../../src/adapters/shared/random.ts';
import { gate } from './openai-stub.ts';

function open(changes: Partial<OpenArrival> = {}): OpenArrival {
  return { kind: 'open', requestRatePerSec: 50, burstiness: 1, maxConcurrency: null, ...changes };
}

function offsets(arrival: OpenArrival, count: number, seed = 1): number[] {
  const schedule = arrivalOffsetsMs(arrival, createRandom(seed, 'arrivals'));
  return Array.from({ length: count }, () => schedule.next().value);
}

function gapsOf(moments: readonly number[]): number[] {
  return moments.slice(1).map((moment, index) => moment - moments[index]!);
}

describe('arrivalOffsetsMs', () => {
  it('begins at 0 and is reproduced by the seed', () => {
    expect(offsets(open(), 5)[0]).toBe(0);
    expect(offsets(open(), 50)).toEqual(offsets(open(), 50));
    expect(offsets(open(), 50, 2)).not.toEqual(offsets(open(), 50));
  });

  it.each([0.25, 1, 9])('keeps the rate, with a spread of gaps by burstiness %d', (burstiness) => {
    const gaps = gapsOf(offsets(open({ burstiness }), 40_001));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
    expect(mean / 20).toBeCloseTo(1, 1);
    // The coefficient of variation of a gamma is 1 / sqrt(shape).
    expect((Math.sqrt(variance) / mean) * Math.sqrt(burstiness)).toBeCloseTo(1, 1);
  });

  it('puts everything at 0 for an infinite rate', () => {
    expect(offsets(open({ requestRatePerSec: Infinity }), 4)).toEqual([0, 0, 0, 0]);
  });
});

/** Runs arrivals whose requests end only when the test says so. */
function start(arrival: Arrival, count: number, stop = new AbortController()) {
  const sent: { scheduledMs: number | null; end: () => void }[] = [];
  let inFlight = 0;
  let peak = 0;
  let wake = (): void => undefined;
  const sendNext: SendNext = async (scheduledMs) => {
    const ended = gate();
    sent.push({ scheduledMs, end: ended.open });
    inFlight += 1;
    peak = Math.max(peak, inFlight);
    wake();
    await ended.opened;
    inFlight -= 1;
  };
  const finished = runArrivals({
    arrival,
    count,
    random: createRandom(1, 'arrivals'),
    signal: stop.signal,
    sendNext,
  });
  const sentAtLeast = async (number: number): Promise<void> => {
    while (sent.length < number) await new Promise<void>((resolve) => (wake = resolve));
  };
  return { sent, finished, sentAtLeast, peak: () => peak };
}

describe('closed loop', () => {
  it('sends the next request of a user when the last one has ended, and never more', async () => {
    const { sent, finished, sentAtLeast, peak } = start({ kind: 'closed', users: 3 }, 7);
    for (let ended = 0; ended < 7; ended += 1) {
      await sentAtLeast(Math.min(7, ended + 3));
      expect(sent).toHaveLength(Math.min(7, ended + 3));
      sent[ended]!.end();
    }
    await finished;
    expect(sent.map(({ scheduledMs }) => scheduledMs)).toEqual(Array(7).fill(null));
    expect(peak()).toBe(3);
  });

  it('needs no more users than requests', async () => {
    const { sent, finished } = start({ kind: 'closed', users: 5 }, 2);
    expect(sent).toHaveLength(2);
    for (const { end } of sent) end();
    await finished;
    expect(sent).toHaveLength(2);
  });

  it('sends nothing more after an abort', async () => {
    const stop = new AbortController();
    const { sent, finished } = start({ kind: 'closed', users: 2 }, 9, stop);
    stop.abort();
    for (const { end } of sent) end();
    await finished;
    expect(sent).toHaveLength(2);
  });
});

describe('open loop', () => {
  it('keeps to its schedule though no request ends', async () => {
    const arrival = open({ requestRatePerSec: 500 });
    const { sent, finished, sentAtLeast } = start(arrival, 30);
    await sentAtLeast(30);
    const [first] = sent;
    const scheduled = sent.map(({ scheduledMs }) => scheduledMs! - first!.scheduledMs!);
    for (const [index, offset] of offsets(arrival, 30).entries()) {
      expect(scheduled[index]).toBeCloseTo(offset, 6);
    }
    for (const { end } of sent) end();
    await finished;
    expect(sent).toHaveLength(30);
  });

  it('holds what is over the cap back without moving its scheduled arrival', async () => {
    const arrival = open({ requestRatePerSec: Infinity, maxConcurrency: 2 });
    const { sent, finished, sentAtLeast, peak } = start(arrival, 5);
    for (let ended = 0; ended < 5; ended += 1) {
      await sentAtLeast(Math.min(5, ended + 2));
      expect(sent).toHaveLength(Math.min(5, ended + 2));
      sent[ended]!.end();
    }
    await finished;
    expect(peak()).toBe(2);
    expect(new Set(sent.map(({ scheduledMs }) => scheduledMs)).size).toBe(1);
  });

  it('stops waiting for the next arrival on abort', async () => {
    const stop = new AbortController();
    const { sent, finished, sentAtLeast } = start(open({ requestRatePerSec: 1e-6 }), 2, stop);
    await sentAtLeast(1);
    sent[0]!.end();
    stop.abort();
    await finished;
    expect(sent).toHaveLength(1);
  });
});

describe('waitUntil', () => {
  it('never ends before its deadline', async () => {
    const { signal } = new AbortController();
    for (const aheadMs of [-5, 0, 0.02, 0.3, 1.1, 3.7]) {
      const deadlineMs = performance.now() + aheadMs;
      await waitUntil(deadlineMs, signal);
      expect(performance.now()).toBeGreaterThanOrEqual(deadlineMs);
    }
  });

  it('gives the sockets a turn even when the deadline has passed', async () => {
    let turns = 0;
    setImmediate(() => (turns += 1));
    await waitUntil(0, new AbortController().signal);
    expect(turns).toBe(1);
  });
});
