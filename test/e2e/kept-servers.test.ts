import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listLive, noteLive } from '../../src/evidence/store/live-runs.ts';
import { checkEvidence, readManifest } from '../../src/evidence/run-reader.ts';
import type * as JobClient from '../../src/session/job-client.ts';
import { planSession } from '../../src/session/plan.ts';
import { frameworks } from '../../src/session/registry.ts';
import { startPlanned } from '../unit/started-run.ts';
import { sessionOptions } from '../unit/session-options.ts';
import { labelled } from './live-session.ts';
import { ONE_CELL } from './project.ts';

// As it is built: a job host is started from a file beside the client's.
const client = (await import(new URL('../../dist/session/job-client.js', import.meta.url).href)) as typeof JobClient;

describe('a job host between two runs', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)('leaves nothing of its kept server at %s', async (signal) => {
    const root = realpathSync(mkdtempSync(join(tmpdir(), 'kept-')));
    writeFileSync(join(root, 'quick.yaml'), ONE_CELL);
    const plan = planSession(sessionOptions({ root }), frameworks);
    mkdirSync(plan.artifacts);
    const request = startPlanned(plan.cells[0]!, plan);
    noteLive(plan.artifacts, client.noteOf(request));
    const jobHost = new client.JobHostProcess(request);
    const end = await jobHost.run(request, { onMessage: () => undefined, mayKeep: () => true });
    expect(end).toEqual({ status: 'passed', isKept: true, isClean: true });
    expect(await labelled(request.runId)).toHaveLength(1);
    const [note] = listLive(plan.artifacts);
    expect(note?.run_id).toBe(request.runId);
    process.kill(note?.holder.pid ?? 0, signal);
    await jobHost.ended;
    expect(await labelled(request.runId)).toEqual([]);
    expect(listLive(plan.artifacts)).toEqual([]);
    await checkEvidence(request.folder, readManifest(request.folder), { hashes: 'all' });
  });
});
