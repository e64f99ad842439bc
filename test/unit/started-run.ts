import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunRequest } from '../../src/lifecycle/adapter.ts';
import { hostsSpecOf } from '../../src/session/hosts-spec.ts';
import { planSession } from '../../src/session/plan.ts';
import type { PlannedCell, SessionPlan } from '../../src/session/plan.ts';
import { frameworks } from '../../src/session/registry.ts';
import { newRun, startRun } from '../../src/session/start-run.ts';
import { DEMO_CONFIG } from './demo-config.ts';
import { sessionOptions } from './session-options.ts';

/** The request of a cell on its bound hosts; its run directory is there. */
export function startPlanned(
  planned: PlannedCell,
  { pool, artifacts }: Pick<SessionPlan, 'pool' | 'artifacts'>,
): RunRequest {
  const hosts = planned.binding.state === 'bound' ? planned.binding.hosts : {};
  const request = newRun(planned, {
    hosts,
    on: hostsSpecOf(planned.cell, hosts, { pool, session: 'test', mayBeFollowed: false }),
    artifacts,
  });
  startRun(request);
  return request;
}

/** A run of the first cell of a config, started in a folder of its own. */
export function startedRun(config = DEMO_CONFIG): RunRequest {
  const root = mkdtempSync(join(tmpdir(), 'assay-run-'));
  writeFileSync(join(root, 'demo.yaml'), config);
  const plan = planSession(sessionOptions({ root }), frameworks);
  return startPlanned(plan.cells[0]!, plan);
}
