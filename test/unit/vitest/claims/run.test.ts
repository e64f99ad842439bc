import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readOwnManifest, writeManifest } from '../../../../src/evidence/run-writer.ts';
import type { Manifest } from '../../../../src/evidence/manifest.ts';
import { planSession } from '../../../../src/session/plan.ts';
import { frameworks } from '../../../../src/session/registry.ts';
import { rejudge } from '../../../../src/session/stored/rejudge.ts';
import { RunCache } from '../../../../src/vitest/claims/run-cache.ts';
import { Run, runOf } from '../../../../src/vitest/claims/run.ts';
import { TablesOfOneRun } from '../../../../src/vitest/claims/tables-of-one-run.ts';
import { DEMO_CONFIG } from '../../demo-config.ts';
import { sessionOptions } from '../../session-options.ts';
import { endedRun, THROUGH, VERDICT } from './ended-run.ts';

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

describe('what a run is read for', () => {
  it('is nothing before it is asked for, and each file once', async () => {
    const nowhere = new Run('/nowhere/at/all/0193a8e2');
    expect([nowhere.folder, nowhere.id]).toEqual(['/nowhere/at/all/0193a8e2', '0193a8e2']);
    expect(() => nowhere.manifest).toThrow('manifest.json is missing');

    const folder = await endedRun();
    const run = new Run(folder);
    expect([run.manifest.status, run.events()]).toEqual(['passed', []]);
    writeManifest(folder, { ...readOwnManifest(folder), status: 'failed_setup' });
    writeFileSync(join(folder, 'events.jsonl'), 'no events');
    expect([run.manifest.status, run.events()]).toEqual(['passed', []]);
  });

  it('is the same for all claims about a cell that are judged alike', async () => {
    const [one, other] = [await endedRun(), await endedRun()];
    const runs = new RunCache();
    expect(runs.open(one, 'sha256:a')).toBe(runs.open(one, 'sha256:a'));
    expect(runs.open(one, 'sha256:a')).not.toBe(runs.open(one, 'sha256:b'));
    expect(runs.open(one, 'sha256:a')).not.toBe(runs.open(other, 'sha256:a'));
  });

  it('is forgotten when many others were judged since, the least recent first', () => {
    const runs = new RunCache();
    const [first, second] = [runs.open('/first', 'h'), runs.open('/second', 'h')];
    for (let other = 0; other < 63; other++) runs.open(`/${other}`, 'h');
    // Asked for again in the meantime, a run is recent.
    expect(runs.open('/second', 'h')).toBe(second);
    expect(runs.open('/first', 'h')).not.toBe(first);
  });

  it('keeps the rows of the one run that is being judged', async () => {
    const tables = new TablesOfOneRun();
    const loaded: string[] = [];
    const read = (run: string, path: string) => tables.read(run, path, async (file) => loaded.push(file));
    await Promise.all([read('a', 'a/samples'), read('a', 'a/trajectory'), read('a', 'a/samples')]);
    expect(loaded).toEqual(['a/samples', 'a/trajectory']);
    await read('b', 'b/samples');
    await read('a', 'a/samples');
    expect(loaded).toEqual(['a/samples', 'a/trajectory', 'b/samples', 'a/samples']);
  });
});

describe('what a run answers', () => {
  it('says of a figure or log that it has not which it has', async () => {
    const result = {
      scalars: { requests: 8, ttft_p99_ms: null },
      applied: {},
      measured: { started_at_ms: null, duration_ms: null },
    };
    const folder = await endedRun({ result });
    const run = new Run(folder);
    const hintOf = (ask: () => unknown) => {
      try {
        return ask();
      } catch (thrown) {
        return `${(thrown as Error).message} - ${(thrown as { hint?: string }).hint}`;
      }
    };
    expect(hintOf(() => run.scalar('request'))).toBe(`${folder} has no figure request - did you mean requests?`);
    expect(hintOf(() => run.scalar('x'))).toBe(`${folder} has no figure x - measured: requests, ttft_p99_ms`);
    expect(() => run.scalar('ttft_p99_ms')).toThrow('not evaluable: ttft_p99_ms was not measured');
    mkdirSync(join(folder, 'logs'), { recursive: true });
    writeFileSync(join(folder, 'logs/server.localhost.log'), 'ready');
    expect(run.log('server', 'localhost')).toBe('ready');
    expect(hintOf(() => run.log('client', 'localhost'))).toBe(
      `${folder} has no log client.localhost.log - logged: server.localhost.log`,
    );
  });

  it('is known of every verdict that it gave', async () => {
    const run = new Run(await endedRun({ verdicts: [VERDICT] }));
    expect(runOf(run.verdict('ttft_p99'))).toBe(run);
    expect(runOf({ ...VERDICT })).toBe(undefined);
  });
});
