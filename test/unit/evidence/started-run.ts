import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planSession } from '../../../src/session/plan.ts';
import { frameworks } from '../../../src/session/registry.ts';
import { startRun } from '../../../src/session/start-run.ts';
import { DEMO_CONFIG } from '../demo-config.ts';
import { sessionOptions } from '../session-options.ts';

/** The directory of a run that no job host has begun to work on. */
export function startedRun(): string {
  const root = mkdtempSync(join(tmpdir(), 'assay-interrupted-'));
  writeFileSync(join(root, 'demo.yaml'), DEMO_CONFIG);
  const plan = planSession(sessionOptions({ root }), frameworks);
  return startRun(plan.cells[0]!, { server: ['localhost'] }, plan.artifacts).folder;
}
