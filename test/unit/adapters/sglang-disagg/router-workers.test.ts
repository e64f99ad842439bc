import { describe, expect, it } from 'vitest';
import { awaitWorkers } from '../../../../src/adapters/sglang-disagg/router-workers.ts';
import { WorkloadFailure } from '../../../../src/evidence/failure.ts';
import type { Exit } from '../../../../src/exec/exit.ts';
import { contextOf, httpServer, roleOf } from './pd-servers.ts';

const PREFILL = roleOf('prefill n1', 'http://p:1');
const DECODE = roleOf('decode n2', 'http://d:2');
const FOLLOWER = roleOf('decode n3', null);
const worker = (role: string, url: string) => ({ worker_type: role, url });
const GAVE_UP =
  'WARN job_queue: Failed job: type=AddWorker, worker=http://p:1, error=Workflow failed at step a: refused';
const ENDED: Exit = { kind: 'exited', code: 1 };

/** A router of 0.2, which lists these servers; null for one that has no such list. */
async function routerOf(workers: readonly object[] | null, said: Parameters<typeof roleOf>[2] = {}) {
  const url = await httpServer((path) =>
    path === '/workers' && workers !== null ? JSON.stringify({ workers }) : null,
  );
  return roleOf('router n1', url, said);
}

/** What a wait that no patience ends comes to. */
async function failureOf(router: Awaited<ReturnType<typeof routerOf>>, servers = [PREFILL, DECODE], launchMs = 3.6e6) {
  const { context } = contextOf({ launchMs });
  const thrown: unknown = await awaitWorkers(context, router, servers).catch((error: unknown) => error);
  if (!(thrown instanceof WorkloadFailure)) throw new Error('it did not fail', { cause: thrown });
  expect(thrown.category).toBe('setup_failure');
  return { message: thrown.message, evidence: thrown.evidence };
}

describe('a router', () => {
  it('knows every server, each rank of one or the server itself', async () => {
    const router = await routerOf([
      worker('prefill', 'http://p:1@0'),
      worker('prefill', 'http://p:1@1'),
      worker('decode', 'http://d:2'),
    ]);
    expect(await awaitWorkers(contextOf().context, router, [PREFILL, DECODE, FOLLOWER])).toEqual({
      prefill: 1,
      decode: 1,
    });
  });

  it('of a version that has no list tells nothing', async () => {
    expect(await awaitWorkers(contextOf().context, await routerOf(null), [PREFILL, DECODE])).toBeNull();
  });

  it('that gave up a server is not waited for', async () => {
    expect(await failureOf(await routerOf([], { lines: ['Starting', GAVE_UP] }))).toEqual({
      message:
        "router on n1 gave up on prefill on n1 (http://p:1): Workflow failed at step a: refused - that server's log says why",
      evidence: ['Starting', GAVE_UP],
    });
  });

  it('that has ended is not waited for', async () => {
    const { message } = await failureOf(await routerOf([], { exit: ENDED }));
    expect(message).toBe('router on n1 ended with code 1 before the router knew all servers');
  });

  it.each([
    ['prefill', [roleOf('prefill n1', 'http://p:1', { exit: ENDED, lines: ['no memory'] }), DECODE]],
    ['decode', [PREFILL, DECODE, roleOf('decode n1', null, { exit: ENDED, lines: ['no memory'] })]],
  ])('does not learn to know a %s server of which a node has ended', async (role, servers) => {
    expect(await failureOf(await routerOf([]), servers)).toEqual({
      message: `${role} on n1 ended with code 1 before the router knew all servers`,
      evidence: ['no memory'],
    });
  });

  it('that says nothing of it is waited for as long as a launch may take', async () => {
    const router = await routerOf([worker('decode', 'http://d:2')], { lines: ['Starting'] });
    expect(await failureOf(router, [PREFILL, DECODE], 100)).toEqual({
      message:
        'router on n1 knows 0 of 1 prefill servers and 1 of 1 decode servers after 0.1 s, whatever its /health says - its log says why',
      evidence: ['Starting'],
    });
  });
});
