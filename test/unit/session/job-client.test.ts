import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { listLive, noteLive } from '../../../src/evidence/store/live-runs.ts';
import { readManifest } from '../../../src/evidence/run-reader.ts';
import { readOwnManifest, writeManifest } from '../../../src/evidence/run-writer.ts';
import type { RunRequest } from '../../../src/lifecycle/adapter.ts';
import { JobHostProcess, noteOf } from '../../../src/session/job-client.ts';
import { startedRun } from '../started-run.ts';
import { standInForJobHosts } from './stand-in-job-host.ts';

const listener = { onMessage: () => undefined, mayKeep: () => true };
const notedIn = ({ artifacts }: RunRequest) => listLive(artifacts).map(({ run_id: id, labels }) => ({ id, labels }));

/** A run that passed and kept a server, with the job host that answers for it. */
async function keepServer(code: number) {
  standInForJobHosts({ end: { status: 'passed', isKept: true, isClean: true }, code });
  const request = startedRun();
  noteLive(request.artifacts, noteOf(request));
  const server = execa('sleep', ['60'], { env: { ASSAY_RUN_ID: request.runId }, reject: false });
  const jobHost = new JobHostProcess(request);
  await jobHost.run(request, listener);
  writeManifest(request.folder, { ...readOwnManifest(request.folder), status: 'passed' });
  return { request, jobHost, server };
}

describe('JobHostProcess, with servers that it keeps', () => {
  it('stays noted until the next run is, whose labels include those of the run before', async () => {
    const { request, jobHost, server } = await keepServer(0);
    const { runId } = request;
    expect(notedIn(request)).toEqual([{ id: runId, labels: [runId] }]);
    const next = { ...startedRun(), artifacts: request.artifacts };
    await jobHost.run(next, listener);
    expect(notedIn(request)).toEqual([{ id: next.runId, labels: [runId, next.runId] }]);
    await jobHost.close();
    server.kill('SIGKILL');
  });

  it('is forgotten once it has ended well', async () => {
    const { request, jobHost, server } = await keepServer(0);
    await jobHost.close();
    expect(notedIn(request)).toEqual([]);
    server.kill('SIGKILL');
  });

  it.each([
    ['dies between two runs', true],
    ['cannot end them', false],
  ])('has them ended by the session when it %s', async (_, isKilled) => {
    const { request, jobHost, server } = await keepServer(1);
    if (isKilled) process.kill(listLive(request.artifacts)[0]!.holder.pid, 'SIGKILL');
    else await jobHost.close();
    await jobHost.ended;
    expect((await server).signal).toBe('SIGKILL');
    expect(notedIn(request)).toEqual([]);
    expect(readManifest(request.folder).status).toBe('passed');
  });
});

describe('JobHostProcess.hasTimeFor', () => {
  it.each([
    ['slurm' as const, [true, false]],
    ['local' as const, [true, true]],
  ])('on %s counts from when it has its hosts, where somebody takes them away', async (executor, expected) => {
    standInForJobHosts({ end: { status: 'passed', isKept: false, isClean: true } });
    const plain = startedRun();
    const slurm = { partition: null, account: null, options: [] };
    const reach = executor === 'slurm' ? { executor, slurm } : { executor };
    const request: RunRequest = { ...plain, on: { ...plain.on, reach, timeLimitMs: 1000 } };
    noteLive(request.artifacts, noteOf(request));
    const jobHost = new JobHostProcess(request);
    const before = jobHost.hasTimeFor(2000);
    await jobHost.run(request, listener);
    expect([before, jobHost.hasTimeFor(2000)]).toEqual(expected);
    await jobHost.close();
  });
});
