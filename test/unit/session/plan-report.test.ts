import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PlannedSession } from '../../../src/session/plan-api.ts';
import { reportPlan } from '../../../src/session/plan-report.ts';
import { planSession } from '../../../src/session/plan.ts';
import type { PlannedCell } from '../../../src/session/plan.ts';
import type { SuiteClaim } from '../../../src/session/planned-claim.ts';
import { frameworks } from '../../../src/session/registry.ts';
import { DEMO_CONFIG } from '../demo-config.ts';
import { sessionOptions } from '../session-options.ts';
import { leaveRun } from './ended-run.ts';

const ALL = { onlySelected: false };

function session(config: string, claimNames: readonly string[] = ['ttft_p99']): PlannedSession {
  const root = mkdtempSync(join(tmpdir(), 'assay-report-'));
  writeFileSync(join(root, 'demo.yaml'), config);
  const options = sessionOptions({ root });
  const plan = planSession(options, frameworks);
  const file = join(root, 'suites/benchmarks/latency.test.ts');
  const claims = claimNames.map((name): SuiteClaim => ({ file, tier: 5, name, benchmark: name, tags: [] }));
  const ofCell = (planned: PlannedCell) => claims.map((claim) => ({ claim, planned }));
  return { options, plan, claims: plan.cells.flatMap(ofCell), explainEmpty: () => [] };
}

function ran({ plan }: PlannedSession, cellId: string, durationS: number): string {
  return leaveRun(
    plan,
    plan.cells.find(({ cell }) => cell.cellId === cellId)!,
    { durationS },
  );
}

describe('reportPlan', () => {
  it('says of a cell what a run would do with it', () => {
    const demo = session(DEMO_CONFIG);
    const { cell, identity } = demo.plan.cells[0]!;
    const run = ran(demo, 'conc1', 42);
    const { cells, totals } = reportPlan([demo], ALL);
    expect(cells[0]).toEqual({
      id: 'conc1',
      test_id: 'demo',
      config: 'demo.yaml',
      framework: 'llama_cpp',
      model: 'tiny',
      target_gpu: 'cpu',
      tags: cell.tags.map(({ name }) => name),
      axes: { concurrency: 1 },
      bindings: { server: ['localhost'] },
      status: 'runnable',
      reason: null,
      claims: [{ name: 'ttft_p99', tier: 5, file: 'suites/benchmarks/latency.test.ts' }],
      estimate_s: 42,
      cached: basename(run),
      workload_hash: identity.workloadHash,
      verification_hash: identity.verificationHash,
      experiment_id: 'llama_cpp/tiny/f32+none+-/cpu',
      bracket: '[llama_cpp-tiny-cpu-none-f32-conc1]',
    });
    expect(totals).toEqual({
      cells: 2,
      runnable: 2,
      skipped: 0,
      cached: 1,
      claims: 2,
      nodes: 1,
      estimate_s: 42,
      unknown: 1,
    });
  });

  it('keeps cells that are not run, with the reason, and counts neither their time nor their nodes', () => {
    const wide = session(DEMO_CONFIG.replace('{count: 1}', '{count: 4}'));
    const { cells, totals } = reportPlan([wide], ALL);
    expect(cells[0]).toMatchObject({
      bindings: {},
      status: 'skipped',
      reason: 'insufficient_nodes (need 4, have 1)',
      tags: expect.arrayContaining(['skipped_insufficient_nodes']),
      estimate_s: null,
    });
    expect(totals).toEqual({
      cells: 2,
      runnable: 0,
      skipped: 2,
      cached: 0,
      claims: 2,
      nodes: 0,
      estimate_s: null,
      unknown: 0,
    });
  });

  it('has no workload hash and no estimate before the digest of the image is known', () => {
    const demo = session(DEMO_CONFIG);
    ran(demo, 'conc1', 42);
    const cells = demo.plan.cells.map((planned) => ({
      ...planned,
      identity: { ...planned.identity, isPending: true },
    }));
    const { plan } = demo;
    expect(reportPlan([{ ...demo, plan: { ...plan, cells } }], ALL).cells[0]).toMatchObject({
      workload_hash: null,
      estimate_s: null,
      cached: null,
    });
  });

  it('adds up the time of cells that share a node', () => {
    const demo = session(DEMO_CONFIG);
    ran(demo, 'conc1', 42);
    ran(demo, 'conc2', 10);
    expect(reportPlan([demo], ALL).totals).toMatchObject({ estimate_s: 52, unknown: 0 });
  });

  it('leaves out cells without a selected claim only when a part was asked for', () => {
    const demo = session(DEMO_CONFIG);
    const sliced = { ...demo, claims: demo.claims.slice(1) };
    const ids = (onlySelected: boolean) => reportPlan([sliced], { onlySelected }).cells.map(({ id }) => id);
    expect(ids(true)).toEqual(['conc2']);
    expect(ids(false)).toEqual(['conc1', 'conc2']);
    expect(reportPlan([sliced], { onlySelected: true }).totals).toMatchObject({ cells: 1, claims: 1 });
  });

  it('counts cells and claims once when projects share a plan, and all when they do not', () => {
    const demo = session(DEMO_CONFIG, ['ttft_p99', 'throughput']);
    const [first] = demo.claims;
    const shared = [{ ...demo, claims: [first!] }, demo];
    expect(reportPlan(shared, ALL).totals).toMatchObject({ cells: 2, claims: 4 });
    expect(reportPlan(shared, ALL).cells[0]?.claims.map(({ name }) => name)).toEqual(['ttft_p99', 'throughput']);
    expect(reportPlan([demo, session(DEMO_CONFIG)], ALL).totals).toMatchObject({ cells: 4, claims: 6 });
  });
});
