import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fingerprintSidecars, readOwnManifest, writeManifest } from '../../../src/evidence/run-writer.ts';
import type { Manifest } from '../../../src/evidence/manifest.ts';
import { planSession } from '../../../src/session/plan.ts';
import { frameworks } from '../../../src/session/registry.ts';
import { rejudge } from '../../../src/session/stored/rejudge.ts';
import { Run } from '../../../src/vitest/run.ts';
import { DEMO_CONFIG } from '../demo-config.ts';
import { sessionOptions } from '../session-options.ts';
import { startedRun } from '../started-run.ts';

const THROUGH = { started_at: '2026-01-01T00:00:00.000Z', duration_s: 1, status: 'ok' } as const;

/** A run of the demo that came through its load, but for what a test says instead. */
async function endedRun(change: Partial<Manifest> = {}): Promise<string> {
  const { folder } = startedRun();
  writeFileSync(join(folder, 'events.jsonl'), '');
  const ended = { ...readOwnManifest(folder), status: 'passed', phases: { launch: THROUGH, parse: THROUGH } } as const;
  writeManifest(folder, { ...ended, ...change, sidecars: await fingerprintSidecars(folder, {}) });
  return folder;
}

/** Judges a run of the demo by another limit, and answers the hash of judging it so. */
async function judgeBy(folder: string, limitMs: number): Promise<string> {
  const root = dirname(dirname(dirname(dirname(dirname(folder)))));
  writeFileSync(join(root, 'demo.yaml'), DEMO_CONFIG.replace('value: 50', `value: ${limitMs}`));
  const [planned] = planSession(sessionOptions({ root }), frameworks).cells;
  return (await rejudge(folder, planned!)).after.verificationHash;
}

describe('a run', () => {
  it('is judged by the thresholds of its session, though another one judged it by its own meanwhile', async () => {
    const folder = await endedRun();
    const [ours, theirs] = [await judgeBy(folder, 60), await judgeBy(folder, 70)];
    expect(new Run(folder).verdict('ttft_p99').expected).toBe(70);
    expect(new Run(folder, theirs).verdict('ttft_p99').expected).toBe(70);
    const run = new Run(folder, ours);
    expect(run.verdict('ttft_p99').expected).toBe(60);
    expect(run.manifest).toMatchObject({
      verification_hash: ours,
      failure: { message: expect.stringContaining('60') },
    });
    await run.checkEvidence();
    // Of a run that was never judged so there is one judgement alone.
    expect(new Run(folder, 'sha256:other').verdict('ttft_p99').expected).toBe(70);
  });

  it('has no figures to judge where a later catalogue found a fatal line in its logs', async () => {
    const message = 'native_crash in server.localhost';
    const failure = { category: 'failure_pattern_matched', originated_in_phase: 'verify', message, evidence: ['dead'] };
    const run = new Run(await endedRun({ status: 'failed_pattern', failure } as Partial<Manifest>));
    expect(() => run.verdict('ttft_p99')).toThrow(`the run is failed_pattern: ${message}\n   | dead`);
    expect(() => run.scalar('requests')).toThrow('the run is failed_pattern');
    expect(() => run.requirePhase('launch')).not.toThrow();
  });

  it('has figures where a later parser read what its own could not', async () => {
    const failed = { launch: THROUGH, parse: { ...THROUGH, status: 'failed' } } as const;
    const result = { scalars: { requests: 8 }, applied: {}, measured: { started_at_ms: null, duration_ms: null } };
    const broken = await endedRun({ phases: failed, result });
    expect(() => new Run(broken).scalar('requests')).toThrow('the run is passed');
    const reparses = [{ reparsed_at: THROUGH.started_at, tool_version: '9' }];
    expect(new Run(await endedRun({ phases: failed, result, reparses })).scalar('requests')).toBe(8);
  });
});
