import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../../src/evidence/manifest.ts';
import { pastDurationS } from '../../../src/session/past-duration.ts';
import { planSession } from '../../../src/session/plan.ts';
import type { PlannedCell } from '../../../src/session/plan.ts';
import { frameworks } from '../../../src/session/registry.ts';
import { DEMO_CONFIG } from '../demo-config.ts';
import { sessionOptions } from '../session-options.ts';
import { leaveRun } from './ended-run.ts';

function setUp() {
  const root = mkdtempSync(join(tmpdir(), 'assay-past-'));
  writeFileSync(join(root, 'demo.yaml'), DEMO_CONFIG);
  const plan = planSession(sessionOptions({ root }), frameworks);
  const [planned, other] = plan.cells as [PlannedCell, PlannedCell];
  const ran = (durationS: number, change: Partial<Manifest> = {}, of = planned) =>
    leaveRun(plan, of, { durationS, ...change });
  return { planned, other, ran, past: () => pastDurationS(planned, plan.artifacts) };
}

describe('pastDurationS', () => {
  it('is the median of what earlier runs took', () => {
    const { ran, past } = setUp();
    expect(past()).toBeNull();
    ran(4);
    expect(past()).toBe(4);
    ran(10, { status: 'failed_verification' });
    expect(past()).toBe(7);
    ran(100);
    expect(past()).toBe(10);
  });

  it.each(['failed_setup', 'failed_safety', 'failed_pattern', 'failed_liveness', 'failed_parse'] as const)(
    'counts no run that ended as %s',
    (status) => {
      const { ran, past } = setUp();
      ran(600, { status });
      expect(past()).toBeNull();
      ran(4, { status: 'recorded' });
      expect(past()).toBe(4);
    },
  );

  it('counts no run that did not come to an end of its own, and none of another workload', () => {
    const { ran, past, planned, other } = setUp();
    ran(1, { status: 'interrupted' });
    ran(2, { status: 'skipped' });
    ran(3, { status: 'running', timestamp_end: null });
    ran(4, {}, other);
    const sameSegment = `${planned.identity.workloadHash.slice(0, 30)}${'0'.repeat(41)}`;
    ran(5, { workload_hash: sameSegment });
    writeFileSync(join(ran(6), 'manifest.json'), '{"status": "passed"');
    expect(past()).toBeNull();
    ran(7);
    expect(past()).toBe(7);
  });

  it('asks the five newest', () => {
    const { ran, past } = setUp();
    for (let index = 0; index < 6; index += 1) ran(1000);
    for (let index = 0; index < 5; index += 1) ran(2);
    expect(past()).toBe(2);
  });
});
