import { describe, expect, it, onTestFinished } from 'vitest';
import { readEvents } from '../../../src/evidence/run-reader.ts';
import { WorkloadFailure } from '../../../src/evidence/failure.ts';
import { localExecutor } from '../../../src/exec/local.ts';
import type { RunRequest } from '../../../src/lifecycle/adapter.ts';
import type { JobContext } from '../../../src/lifecycle/context.ts';
import { launchRoles } from '../../../src/lifecycle/launch.ts';
import type { RolePlan } from '../../../src/lifecycle/launch.ts';
import type { Readiness } from '../../../src/lifecycle/ready.ts';
import { DEMO_CONFIG } from '../demo-config.ts';
import { startedRun } from '../started-run.ts';
import { contextOf } from './job-bench.ts';

const UP: Readiness = { kind: 'log', pattern: /^up/ };

const HTTP: Readiness = {
  kind: 'http',
  url: (server) => server.tail(999).flatMap((line) => /up at (\S+)/.exec(line)?.[1] ?? [])[0] ?? null,
  path: '/health',
};

/** A role that runs a JavaScript program; `after` is printed by it. */
const role = (name: string, program: string, given: Partial<RolePlan> = {}): RolePlan => ({
  role: name,
  after: [],
  command: () => ({ file: process.execPath, args: ['-e', program] }),
  readiness: UP,
  ...given,
});

const SERVES = `
  const server = require('node:http').createServer((request, answer) => {
    answer.statusCode = request.url === '/health' ? 200 : 404;
    answer.end();
  });
  server.listen(0, '127.0.0.1', () => console.log('up at http://127.0.0.1:' + server.address().port));
`;
const STAYS = 'console.log("up"); setInterval(() => {}, 1000)';

async function openContext(bindings: RunRequest['hosts'], timeouts = 'launch: 20s'): Promise<JobContext> {
  const request = { ...startedRun(`${DEMO_CONFIG}timeouts: {${timeouts}}\n`), hosts: bindings };
  const context = contextOf(request);
  await context.hosts.open({ signal: context.signal, onWait: () => undefined });
  onTestFinished(async () => {
    for (const { process } of context.launched) await process.stop(0);
    await context.hosts.close();
    await context.writer.closeTables();
    expect(await localExecutor('localhost').findLabelled(request.runId)).toEqual([]);
  });
  return context;
}

const failureOf = async (launching: Promise<unknown>): Promise<WorkloadFailure> => {
  const thrown: unknown = await launching.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(thrown).toBeInstanceOf(WorkloadFailure);
  return thrown as WorkloadFailure;
};

describe('launchRoles', () => {
  it('starts a role where its plan says, after roles that are ready already, each host by its own readiness', async () => {
    const context = await openContext({ server: ['localhost'] });
    const [server] = await launchRoles(context, [role('server', SERVES, { readiness: HTTP })]);
    const seen: unknown[] = [];
    const client = role('client', STAYS, {
      after: ['server'],
      hosts: ['localhost'],
      command: ({ ready, address, addressOf }) => {
        seen.push(
          ready.map(({ url }) => url),
          [address, addressOf('localhost')],
        );
        return { file: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'] };
      },
      readiness: ({ index }) => (index === 0 ? { kind: 'started' } : UP),
    });
    const [launched] = await launchRoles(context, [client], server === undefined ? [] : [server]);
    expect(launched).toMatchObject({ role: 'client', host: 'localhost', url: null });
    expect(seen).toEqual([[server?.url], ['127.0.0.1', '127.0.0.1']]);
    const ready = readEvents(context.request.folder).filter(({ event }) => event === 'launch.role_ready');
    expect(ready.map((event) => event['role'])).toEqual(['server', 'client']);
  });

  it('starts a router after the servers it routes to, and tells it where they are', async () => {
    const context = await openContext({ prefill: ['localhost'], decode: ['localhost'], router: ['localhost'] });
    const seen: (string | null)[] = [];
    const router = role('router', STAYS, {
      after: ['prefill', 'decode'],
      command: ({ ready }) => {
        seen.push(...ready.map((server) => `${server.role} ${server.url}`));
        return { file: process.execPath, args: ['-e', STAYS] };
      },
    });
    const plans = [router, role('prefill', SERVES, { readiness: HTTP }), role('decode', SERVES, { readiness: HTTP })];
    const launched = await launchRoles(context, plans);
    expect(launched.map((one) => one.role)).toEqual(['router', 'prefill', 'decode']);
    expect(seen).toEqual([
      expect.stringMatching(/^prefill http:\/\/127\.0\.0\.1:\d+$/),
      expect.stringMatching(/^decode http:\/\/127\.0\.0\.1:\d+$/),
    ]);
    context.writer.events.flush();
    const order = readEvents(context.request.folder).map((event) => `${event.event} ${JSON.stringify(event['role'])}`);
    const routerUp = order.indexOf('launch.container_up "router"');
    expect(order.indexOf('launch.role_ready "prefill"')).toBeLessThan(routerUp);
    expect(order.indexOf('launch.role_ready "decode"')).toBeLessThan(routerUp);
    expect(order.indexOf('launch.container_up "decode"')).toBeLessThan(order.indexOf('launch.role_ready "prefill"'));
  });

  it('ends the wait for the others when one fails, and starts nothing that comes after', async () => {
    const context = await openContext({ bad: ['localhost'], good: ['localhost'], router: ['localhost'] });
    const plans = [
      role('good', 'setInterval(() => {}, 1000)'),
      role('bad', 'console.error("no such model"); process.exit(4)'),
      role('router', STAYS, { after: ['good', 'bad'] }),
    ];
    const failure = await failureOf(launchRoles(context, plans));
    expect(failure).toMatchObject({
      category: 'setup_failure',
      message: 'bad on localhost ended with code 4 before it was ready',
      evidence: ['no such model'],
    });
    expect(context.launched.map((one) => one.role).toSorted()).toEqual(['bad', 'good']);
  });

  it('takes a narrow failure marker at its word, and nothing that only looks alike', async () => {
    const context = await openContext({ server: ['localhost'] });
    const program = `console.log('WARNING: error correction is off'); console.log('fatal: bind failed'); ${STAYS.replace('up', 'no')}`;
    const readiness: Readiness = { ...UP, failures: [/^fatal: /] };
    const failure = await failureOf(launchRoles(context, [role('server', program, { readiness })]));
    expect(failure.message).toBe('server on localhost said that it failed: fatal: bind failed');
  });

  it('gives up after the launch timeout', async () => {
    const context = await openContext({ server: ['localhost'] }, 'launch: 1s');
    const failure = await failureOf(launchRoles(context, [role('server', 'setInterval(() => {}, 1000)')]));
    expect(failure.message).toBe(
      'server on localhost not ready after 1.0 s - where it only loads for longer, raise `timeouts.launch`',
    );
  });

  it.each<{ readonly name: string; readonly readiness: Readiness }>([
    { name: 'an address', readiness: HTTP },
    { name: 'a line', readiness: { ...UP, failures: [/^fatal: /] } },
  ])('finds a server that is used again ready by $name, however much it has printed since', async ({ readiness }) => {
    const first = await openContext({ server: ['localhost'] });
    const talks = `${SERVES} process.on('SIGHUP', () => console.log('fatal: it was\\n'.repeat(300) + 'end'));`;
    const plan = role('server', talks, { readiness });
    const [server] = await launchRoles(first, [plan]);
    process.kill(server!.process.id.pid, 'SIGHUP');
    await expect.poll(() => server!.process.tail(1)).toEqual(['end']);
    await first.keepServers();

    const request = { ...startedRun(), hosts: { server: ['localhost'] } };
    const second = contextOf(request, { hosts: first.hosts, kept: first.kept });
    onTestFinished(async () => {
      for (const { process: kept } of second.launched) await kept.stop(0);
      await second.writer.closeTables();
    });
    const [again] = await launchRoles(second, [plan]);
    expect(again).toMatchObject({ reusedFrom: first.request.runId, url: server!.url });
    expect(again!.process).toBe(server!.process);
  });

  it('refuses roles that wait for each other', async () => {
    const context = await openContext({ a: ['localhost'], b: ['localhost'] });
    const plans = [role('a', STAYS, { after: ['b'] }), role('b', STAYS, { after: ['a'] })];
    await expect(launchRoles(context, plans)).rejects.toThrow('role a waits for itself');
    expect(context.launched).toEqual([]);
  });
});
