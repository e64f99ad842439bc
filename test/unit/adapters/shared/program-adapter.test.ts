import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Manifest } from '../../../../src/evidence/manifest.ts';
import { readEvents, readManifest } from '../../../../src/evidence/run-reader.ts';
import { readOwnManifest } from '../../../../src/evidence/run-writer.ts';
import type { Executor } from '../../../../src/exec/executor.ts';
import { hostsOf } from '../../../../src/exec/open-hosts.ts';
import { scratchOf } from '../../../../src/exec/scratch.ts';
import type { RolePlan } from '../../../../src/lifecycle/launch.ts';
import { runJob } from '../../../../src/lifecycle/job.ts';
import { programAdapter } from '../../../../src/adapters/shared/program-adapter.ts';
import type { Observer, Program, ProgramPlan, ProgressWatch } from '../../../../src/adapters/shared/program.ts';
import { readRoleLogs } from '../../../../src/adapters/shared/role-logs.ts';
import { DEMO_CONFIG } from '../../demo-config.ts';
import { contextOf } from '../../lifecycle/job-bench.ts';
import { startedRun } from '../../started-run.ts';

const CONFIG = `${DEMO_CONFIG}timeouts: {launch: 20s, inactivity: 20s, total: 30s}\n`;

const role = (name: string, program: string, given: Partial<RolePlan> = {}): RolePlan => ({
  role: name,
  after: [],
  hosts: ['localhost'],
  command: () => ({ file: process.execPath, args: ['-e', program] }),
  readiness: { kind: 'started' },
  ...given,
});

const SERVES = 'console.log("serving"); setInterval(() => {}, 1000)';
const LEAVES_ON_REQUEST = `
  const server = require('node:http').createServer(({ url }, answer) => {
    answer.setHeader('connection', 'close').end();
    if (url !== '/leave') return;
    server.close();
    setTimeout(() => process.exit(9), 700);
  });
  server.listen(0, '127.0.0.1', () => console.log('http://127.0.0.1:' + server.address().port));`;
const GIVES_UP = 'console.log("step 1"); process.exitCode = 3';
const REFUSES = 'require("node:fs").writeSync(2, "unrecognized arguments: --no-such-flag\\n"); process.exitCode = 2';
const STEPS = 'for (const step of [1, 2, 3]) console.log("step " + step)';
const WRITES = (scratch: string): string =>
  `const { mkdirSync, writeFileSync } = require('node:fs');
   mkdirSync('${scratch}/parts');
   for (const name of ['a', 'b']) writeFileSync('${scratch}/parts/' + name + '.json', name);
   writeFileSync('${scratch}/whole.bin', Buffer.from([0, 255, 1]));`;

interface Ran {
  readonly manifest: Manifest;
  readonly folder: string;
  readonly events: ReturnType<typeof readEvents>;
}

/** Runs programs through a whole job; `plan` says which. */
async function run(
  plan: (scratch: string) => Partial<ProgramPlan>,
  watch = counting(),
  { config = CONFIG, change = (executor: Executor): Executor => executor } = {},
): Promise<Ran> {
  const request = startedRun(config);
  const hosts = hostsOf(request.on, request.runId);
  const executor = (host: string): Executor => change(hosts.executor(host));
  const context = contextOf(request, { hosts: { ...hosts, executor } });
  const program: Program = {
    plan: (_, scratch) => ({ servers: [], workers: [], results: [], ...plan(scratch) }),
    watch: (_, onStep) => watch((step) => onStep({ step, loss: null, throughput: null })),
    async parse(parsed) {
      const logs = await readRoleLogs(parsed, 'worker');
      const steps = logs.flatMap(({ lines }) => lines.filter((line) => line.startsWith('step '))).length;
      return { scalars: { steps }, applied: {}, frameworkVersions: {}, startedAtMs: null, durationMs: null };
    },
  };
  await runJob(programAdapter(program), context, {
    manifest: readOwnManifest(request.folder),
    listener: { onPhase: () => undefined, onWait: () => undefined },
  });
  await context.hosts.close();
  expect(existsSync(scratchOf(request.runId))).toBe(false);
  return { manifest: readManifest(request.folder), folder: request.folder, events: readEvents(request.folder) };
}

/** Counts the steps that are printed; one called `NaN` breaks the run. */
function counting(): (onStep: (step: number) => void) => ProgressWatch {
  return (onStep) => {
    let done = 0;
    let detail: string | null = null;
    return {
      line(line) {
        const [, step] = /^step (\S+)/.exec(line) ?? [];
        if (step === 'NaN') detail = `no number after step ${done}`;
        else if (step !== undefined) onStep((done = Number(step)));
      },
      status: () =>
        detail === null
          ? { state: 'running', mark: done, progress: { done, total: 3, unit: 'step', rate: '' } }
          : { state: 'broken', predicate: 'loss_finite', detail, evidence: [] },
    };
  };
}

interface Breaking {
  readonly what: string;
  readonly plan: Partial<ProgramPlan>;
  readonly message: string;
}

const summaryOf = ({ manifest: { status, failure } }: Ran): unknown => [status, failure?.message ?? null];

describe('programAdapter', () => {
  it('waits for programs to end, tells their steps, and keeps what they left', async () => {
    const ran = await run((scratch) => ({
      workers: [role('worker', `${WRITES(scratch)} ${STEPS}`)],
      results: [
        { host: 'localhost', path: `${scratch}/parts/*.json`, as: 'parts' },
        { host: 'localhost', path: `${scratch}/whole.bin`, as: 'whole.bin' },
        { host: 'localhost', path: `${scratch}/never-written.json`, as: 'never-written.json' },
      ],
    }));
    expect(ran.manifest.result.scalars).toMatchObject({ steps: 3 });
    expect(ran.events.filter(({ event }) => event === 'step').map(({ step }) => step)).toEqual([1, 2, 3]);
    const attachments = join(ran.folder, 'attachments');
    expect(readFileSync(join(attachments, 'parts', 'b.json'), 'utf8')).toBe('b');
    expect([...readFileSync(join(attachments, 'whole.bin'))]).toEqual([0, 255, 1]);
    expect(existsSync(join(attachments, 'never-written.json'))).toBe(false);
    expect(ran.manifest.sidecars).toHaveProperty(['attachments/parts/a.json']);
  });

  it('starts the work when the servers are ready, watches them meanwhile, and stops them after it', async () => {
    const order: string[] = [];
    const observe: Observer = async (_, servers) => {
      order.push(`watch ${servers.map((server) => server.role).join()}`);
      return { broken: () => null, end: async () => void order.push('look once more') };
    };
    const command: RolePlan['command'] = ({ ready }) => {
      order.push(`work with ${ready.map((server) => server.role).join()}`);
      return { file: process.execPath, args: ['-e', STEPS] };
    };
    const ran = await run(() => ({
      servers: [role('server', SERVES)],
      workers: [role('worker', '', { after: ['server'], command })],
      observe,
    }));
    expect(order).toEqual(['watch server', 'work with server', 'look once more']);
    expect(ran.manifest.result.scalars).toMatchObject({ steps: 3 });
    expect(ran.manifest.teardown).toMatchObject({ orphans: 0, error: null });
  });

  it.each<Breaking>([
    {
      what: 'a worker that gives up',
      plan: { workers: [role('worker', GIVES_UP)] },
      message: 'worker_alive: worker on localhost ended with code 3 before its work was done',
    },
    {
      what: 'a worker that gives up while another goes on',
      plan: { workers: [role('worker', GIVES_UP), role('other', SERVES)] },
      message: 'worker_alive: worker on localhost ended with code 3 before its work was done',
    },
    {
      what: 'a load client that gives up before its first request, for its servers may be why',
      plan: { servers: [role('server', SERVES)], workers: [role('worker', 'process.exit(3)')] },
      message: 'worker_alive: worker on localhost ended with code 3 before its work was done',
    },
    {
      what: 'a server that dies under its load',
      plan: { servers: [role('server', 'setTimeout(() => process.exit(9), 300)')], workers: [role('worker', SERVES)] },
      message: 'server_alive: server on localhost ended with code 9 while it was needed',
    },
    {
      what: 'what a worker said before it gave up',
      plan: { workers: [role('worker', 'console.log("step 1"); console.log("step NaN"); process.exitCode = 1')] },
      message: 'loss_finite: no number after step 1',
    },
    {
      what: 'servers that an observer finds wrong',
      plan: {
        servers: [role('server', SERVES)],
        workers: [role('worker', SERVES)],
        observe: async () => ({
          broken: () => ({ state: 'broken', predicate: 'health', detail: 'not well', evidence: [] }),
          end: async () => undefined,
        }),
      },
      message: 'health: not well',
    },
    {
      what: 'a worker that gives up, whatever goes wrong after that',
      plan: {
        servers: [role('server', SERVES)],
        workers: [role('worker', 'process.exit(3)')],
        observe: async () => ({
          broken: () => null,
          end: async () => {
            throw new Error('no room on the disk');
          },
        }),
      },
      message: 'worker_alive: worker on localhost ended with code 3 before its work was done',
    },
  ])('breaks on $what', async ({ plan, message }) => {
    const ran = await run(() => plan);
    expect(summaryOf(ran)).toEqual(['failed_safety', message]);
    expect(ran.manifest.teardown).toMatchObject({ orphans: 0, error: null });
  });

  it.each<{ readonly what: string; readonly plan: Partial<ProgramPlan>; readonly end: string }>([
    { what: 'a program', plan: { workers: [role('worker', REFUSES)] }, end: 'ended with code 2' },
    {
      what: 'a program, while another goes on',
      plan: { workers: [role('other', SERVES), role('worker', REFUSES)] },
      end: 'ended with code 2',
    },
    {
      what: 'a program that is killed',
      plan: { workers: [role('worker', `${REFUSES}; process.kill(process.pid, 'SIGABRT')`)] },
      end: 'ended with SIGABRT',
    },
  ])('takes $what that ends before its first step for one that could not be started', async ({ plan, end }) => {
    const ran = await run(() => plan);
    expect(ran.manifest).toMatchObject({
      status: 'failed_setup',
      failure: {
        category: 'setup_failure',
        originated_in_phase: 'await',
        message: `worker on localhost ${end} before its first step`,
        evidence: ['unrecognized arguments: --no-such-flag'],
      },
      teardown: { orphans: 0, error: null },
    });
    expect(ran.events.filter(({ event }) => event === 'safety.violated')).toEqual([]);
  });

  it('takes no program that was at it for longer than a launch may take for one that could not be started', async () => {
    const config = CONFIG.replace('launch: 20s', 'launch: 1ms');
    const ran = await run(() => ({ workers: [role('worker', REFUSES)] }), counting(), { config });
    expect(summaryOf(ran)).toEqual([
      'failed_safety',
      'worker_alive: worker on localhost ended with code 2 before its work was done',
    ]);
  });

  it('hears a worker out before it says why it is over', async () => {
    const program = 'console.log("step 1"); setTimeout(() => console.log("step NaN"), 600); process.exitCode = 1';
    // Its end is known at once; what it said last comes later, as it may over a network.
    const change = (executor: Executor): Executor => ({
      ...executor,
      start: async (command, options) => {
        const started = await executor.start(command, options);
        return { ...started, exit: () => ({ kind: 'exited', code: 1 }) };
      },
    });
    const ran = await run(() => ({ workers: [role('worker', program)] }), counting(), { change });
    expect(summaryOf(ran)).toEqual(['failed_safety', 'loss_finite: no number after step 1']);
  });

  it('hears what a worker says while others are launched, however much it is', async () => {
    const talks = 'for (let step = 1; step <= 500; step += 1) console.log("step " + step); setInterval(() => {}, 1000)';
    const slow = role('slow', 'setTimeout(() => console.log("up"), 1000)', {
      readiness: { kind: 'log', pattern: /^up/ },
    });
    const workers = [role('worker', `${talks}; setTimeout(() => process.exit(0), 1500)`), slow];
    const { events } = await run(() => ({ workers }));
    const steps = events.filter(({ event }) => event === 'step').map(({ step }) => step);
    expect(steps).toEqual(Array.from({ length: 500 }, (_, index) => index + 1));
  });

  // Who started a server hears of its death later than its clients where there is a network between.
  it('learns of a server that was gone when the work ended', async () => {
    const server = role('server', LEAVES_ON_REQUEST, {
      readiness: {
        kind: 'http',
        path: '/health',
        url: (process) => /^http:\S+$/.exec(process.tail(1)[0] ?? '')?.[0] ?? null,
      },
    });
    const worker = role('worker', '', {
      after: ['server'],
      command: ({ ready }) => ({ file: process.execPath, args: ['-e', `fetch('${ready[0]?.url}/leave')`] }),
    });
    const ran = await run(() => ({ servers: [server], workers: [worker] }));
    expect(summaryOf(ran)).toEqual([
      'failed_safety',
      'server_alive: server on localhost ended with code 9 while it was needed',
    ]);
  });

  it('starts no server where another program listens', async () => {
    const other = createServer((_, answer) => answer.end('well'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void other.close());
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const server = role('server', SERVES, {
      command: () => ({ file: process.execPath, args: ['-e', SERVES], serves: url }),
      readiness: { kind: 'http', url: () => url, path: '/health' },
    });
    const ran = await run(() => ({ servers: [server], workers: [role('worker', STEPS)] }));
    expect(summaryOf(ran)).toEqual([
      'failed_setup',
      `another program listens at ${url}, where ${process.execPath} is to serve - end it, or set another port`,
    ]);
  });

  it('keeps what a broken run printed and wrote', async () => {
    const ran = await run((scratch) => ({
      workers: [role('worker', `${WRITES(scratch)} ${STEPS}; process.exitCode = 1`)],
      results: [{ host: 'localhost', path: `${scratch}/whole.bin`, as: 'whole.bin' }],
    }));
    expect(readFileSync(join(ran.folder, 'logs', 'worker.localhost.log'), 'utf8')).toBe('step 1\nstep 2\nstep 3\n');
    expect(ran.manifest.sidecars).toHaveProperty(['attachments/whole.bin']);
  });
});
