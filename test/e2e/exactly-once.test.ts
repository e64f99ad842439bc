import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { cellOf, Counted } from './workloads/counted.ts';
import { standInConfig } from './workloads/stand-in.ts';

const POOLS = [
  { pool: 'forks', isolate: true },
  { pool: 'forks', isolate: false },
  { pool: 'threads', isolate: true },
  { pool: 'threads', isolate: false },
  // These isolate always.
  { pool: 'vmThreads', isolate: true },
  { pool: 'vmForks', isolate: true },
];
const WORKERS = [1, 2];

const everyCombination = POOLS.flatMap(({ pool, isolate }) =>
  WORKERS.map((workers) => ({
    name: `${pool}${isolate ? '' : ' without isolation'}, ${workers} ${workers === 1 ? 'worker' : 'workers'}`,
    args: [`--pool=${pool}`, `--maxWorkers=${workers}`, ...(isolate ? [] : ['--no-isolate'])],
  })),
);
// Of each pair the first and the second in turn: every pool once, and as often with one worker as with two.
const half = everyCombination.filter((_, index) => index % 4 === 1 || index % 4 === 2);
const combinations = process.env['ASSAY_POOLS'] === 'half' ? half : everyCombination;

/** A claim that holds for a run of every cell at its second try alone. */
const FLAKY = {
  'claims/models/byte_llama.test.js': `import { claims } from 'vitest-assay/claims';
const tried = new Set();
export default claims({
  flaky: {
    check: ({ run, expect }) => {
      const isFirst = !tried.has(run.folder);
      tried.add(run.folder);
      expect(isFirst).toBe(false);
    },
  },
});
`,
};

/** Settles when so many passes are over. */
async function passesOf(counted: Counted, count: number): Promise<void> {
  // Not expect.poll, which knows one test at a time.
  await vi.waitFor(() => expect(counted.passes().length).toBeGreaterThanOrEqual(count), {
    timeout: 45_000,
    interval: 50,
  });
}

describe.each(combinations)('$name', ({ args }) => {
  it.concurrent('launch each cell once, also for claims that need a second try', async () => {
    const counted = new Counted({ slots: [1, 2], files: FLAKY });
    const { exitCode, all } = await counted.project.vitest('run', '--retry=2', ...args);
    expect(exitCode, all).toBe(0);
    counted.expectLaunchedOnce([1, 2]);
    const [pass = []] = counted.passes();
    counted.expectJudged(
      pass.filter(({ name }) => !name.startsWith('flaky')),
      [1, 2],
    );
    expect(pass.filter(({ name }) => name.startsWith('flaky')).map(({ state }) => state)).toEqual(['passed', 'passed']);
    expect(counted.judgements()).toEqual(counted.project.runFolders());
    await counted.expectNothingLeft();
  });

  it.concurrent('launch nothing again when a suite file is touched in watch mode', async () => {
    const counted = new Counted({ slots: [1, 2] });
    const vitest = counted.project.vitest('watch', ...args);
    await passesOf(counted, 1);
    appendFileSync(join(counted.project.root, 'claims/logistics/own.test.js'), '// touched\n');
    await passesOf(counted, 2);
    vitest.kill('SIGTERM');
    await vitest;
    counted.expectLaunchedOnce([1, 2]);
    const [first = [], second = []] = counted.passes();
    counted.expectJudged(first, [1, 2]);
    // What did not change need not be judged again; what is, is judged on the runs there are.
    const rest = first.filter(({ name }) => !second.some((test) => test.name === name));
    counted.expectJudged([...second, ...rest], [1, 2]);
    expect(second.length).toBeGreaterThanOrEqual(4);
    await counted.expectNothingLeft();
  });

  it.concurrent('launch each cell in one of two shards', async () => {
    const counted = new Counted({ slots: [1, 2] });
    const first = await counted.project.vitest('run', '--shard=1/2', ...args);
    expect(first.exitCode, first.all).toBe(0);
    const own = counted.standIn.launchedSlots();
    expect(own).toHaveLength(1);
    const second = await counted.project.vitest('run', '--shard=2/2', ...args);
    expect(second.exitCode, second.all).toBe(0);
    counted.expectLaunchedOnce([1, 2]);
    counted.expectJudged(counted.passes()[0], own);
    counted.expectJudged(
      counted.passes()[1],
      [1, 2].filter((slots) => !own.includes(slots)),
    );
    expect(counted.judgements()).toEqual(counted.project.runFolders());
    await counted.expectNothingLeft();
  });
});

/** Three cells that one server can serve, one after the other. */
const SHARED_SERVER = standInConfig([4])
  .replace('reuse_server: false', 'reuse_server: true')
  .replace('osl: 4', 'osl: 4, parallel_slots: 4')
  .replace('sweep: {parallel_slots: [4]}', 'sweep: {concurrency: [1, 2, 3]}');

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

/** A claim about every cell that ends the process that judges it. */
const KILLER = {
  'claims/models/byte_llama.test.js': `import { claims } from 'vitest-assay/claims';
export default claims({ killer: { check: () => void process.kill(process.pid, 'SIGKILL') } });
`,
};

/** Ends the first worker before it can say that it has started. */
const KILLED_AT_START = `const { writeFileSync } = require('node:fs');
try {
  if (process.send) {
    writeFileSync(process.env.JUDGEMENTS + '.killed', '', { flag: 'wx' });
    process.kill(process.pid, 'SIGKILL');
  }
} catch {}
`;

const CONFIG_WITH_HOOK = `import { assay } from 'vitest-assay';
import { passes } from './passes.js';
export default {
  plugins: [assay({ suites: 'claims' })],
  test: {
    include: ['tests/**'],
    reporters: ['default', passes],
    execArgv: ['--require', new URL('starts.cjs', import.meta.url).pathname],
  },
};
`;

const bothSuites = (names: readonly string[]): string => `import { assay } from 'vitest-assay';
import { passes } from './passes.js';
const project = (name) => ({ plugins: [assay({ suites: name })], test: { name, include: [] } });
export default { test: { projects: [${names.map((name) => `project('${name}')`).join(', ')}], reporters: ['default', passes] } };
`;

describe('each cell is launched once', () => {
  it('when files run in another order', async () => {
    const counted = new Counted();
    const { exitCode, all } = await counted.project.vitest('run', '--sequence.shuffle.files', '--sequence.seed=7');
    expect(exitCode, all).toBe(0);
    counted.expectLaunchedOnce([1, 2, 3]);
    counted.expectJudged(counted.passes()[0], [1, 2, 3]);
  });

  it('when it takes longer than a test or a hook may', async () => {
    const counted = new Counted({ holds: ['token'] });
    const vitest = counted.project.vitest('run', '--testTimeout=50', '--hookTimeout=50');
    await vi.waitFor(() => expect(counted.standIn.launches()).toHaveLength(1), { timeout: 30_000 });
    // Many times the limit, and no race: the cell cannot end before.
    await delay(500);
    counted.standIn.release();
    const { exitCode, all } = await vitest;
    expect(exitCode, all).toBe(0);
    counted.expectLaunchedOnce([1, 2, 3]);
    counted.expectJudged(counted.passes()[0], [1, 2, 3]);
  });

  it('for two projects with the same configs and suites of their own', async () => {
    const files = {
      'vitest.config.js': bothSuites(['claims', 'more']),
      'more/models/byte_llama.test.js': `import { claims } from 'vitest-assay/claims';
export default claims({
  rate: { benchmark: 'throughput', check: ({ run }) => run.verdict('throughput') },
  status: { check: ({ run, expect }) => void expect(run.manifest.status).toBe('passed') },
});
`,
    };
    const counted = new Counted({ files });
    const { exitCode, all } = await counted.project.vitest('run', '--maxWorkers=2');
    expect(exitCode, all).toBe(0);
    counted.expectLaunchedOnce([1, 2, 3]);
    const [pass = []] = counted.passes();
    const isMore = ({ name }: { readonly name: string }): boolean => /^(?:rate|status)\[/.test(name);
    counted.expectJudged(
      pass.filter((test) => !isMore(test)),
      [1, 2, 3],
    );
    const more = pass.filter(isMore);
    expect(more.map(({ state }) => state)).toEqual(Array.from({ length: 6 }, () => 'passed'));
    expect(new Set(more.map(({ run }) => run))).toEqual(new Set(counted.project.runFolders()));
    expect(all).toContain('3 launched');
    await counted.expectNothingLeft();
  });

  it('at most, when the session ends at the first claim that fails', async () => {
    const counted = new Counted({ files: FLAKY });
    const { exitCode } = await counted.project.vitest('run', '--bail=1', '--maxWorkers=1');
    expect(exitCode).toBe(1);
    const launched = counted.standIn.launchedSlots();
    expect(launched).toEqual([1, 2, 3].slice(0, launched.length));
    expect(counted.project.runFolders()).toHaveLength(launched.length);
    await counted.expectNothingLeft();
  });

  it('and its server serves the next cell where the config allows it', async () => {
    // Two servers are the same when they are started in the same way, and each start has another free port.
    const port = await freePort();
    const counted = new Counted({ config: SHARED_SERVER.replace('concurrency: 2', `port: ${port}`) });
    const { exitCode, all } = await counted.project.vitest('run');
    expect(exitCode, all).toBe(0);
    expect(counted.standIn.launchedSlots()).toEqual([4]);
    expect(counted.runs().map(({ folder }) => cellOf(folder))).toEqual(['conc1', 'conc2', 'conc3']);
    expect(counted.judgements()).toEqual(counted.project.runFolders());
    await counted.expectNothingLeft();
  });
});

describe('a worker that is killed', () => {
  it.each(['forks', 'vmForks'])('while it judges neither relaunches a cell nor loses one (%s)', async (pool) => {
    const counted = new Counted({ files: KILLER });
    const { exitCode, all } = await counted.project.vitest('run', `--pool=${pool}`, '--maxWorkers=2');
    expect(exitCode).toBe(1);
    counted.expectLaunchedOnce([1, 2, 3]);
    const judged = counted.passes()[0]?.filter(({ name }) => !name.startsWith('killer'));
    counted.expectJudged(judged, [1, 2, 3]);
    const file = 'claims/models/byte_llama.test.js';
    const screen = all.replaceAll(/\s+/g, ' ');
    expect(screen).toContain(`✗ ${file} 3 of 3 claims not judged: the worker of this file is gone`);
    expect(screen).toContain('3 not judged');
    expect(screen).toContain(`judge again ASSAY_REUSE=prefer npx vitest run ${file}`);
    expect(all).toContain('3 launched');
    await counted.expectNothingLeft();
  });

  it('while it starts does not keep Vitest from its end for longer than a moment', async () => {
    const files = {
      'starts.cjs': KILLED_AT_START,
      'vitest.config.js': CONFIG_WITH_HOOK,
      'tests/own.test.js': `import { it } from 'vitest';\nit('own', () => {});\n`,
    };
    const counted = new Counted({ files });
    const { exitCode, all } = await counted.project.vitest('run', '--pool=forks', '--maxWorkers=4');
    expect(exitCode).toBe(1);
    expect(all).toContain('Worker exited unexpectedly');
    expect(all).toContain('a worker of Vitest is gone and still waited for');
    expect(counted.standIn.launchedSlots()).toEqual([...new Set(counted.standIn.launchedSlots())]);
    await counted.expectNothingLeft();
  });
});
