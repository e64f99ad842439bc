import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TestModule, TestRunEndReason, TestSpecification, Vitest } from 'vitest/node';
import type { Manifest } from '../../../../src/evidence/manifest.ts';
import type { SessionEvent } from '../../../../src/session/events.ts';
import { planSession } from '../../../../src/session/plan.ts';
import type { PlannedCell } from '../../../../src/session/plan.ts';
import { titleOf } from '../../../../src/session/planned-claim.ts';
import type { PlannedClaim } from '../../../../src/session/planned-claim.ts';
import { frameworks } from '../../../../src/session/registry.ts';
import { AssayReporter } from '../../../../src/vitest/report/reporter.ts';
import type { ReportSource } from '../../../../src/vitest/report/reporter.ts';
import { DEMO_CONFIG } from '../../demo-config.ts';
import { leaveRun } from '../../session/ended-run.ts';
import { sessionOptions } from '../../session-options.ts';
import { verdict } from './summary/plain-summary.ts';

const SUITE = '/suites/latency.test.ts';

/** What a test of a pass came to; its claim's metadata is there unless it was skipped at once. */
interface Tested {
  readonly state?: 'passed' | 'failed' | 'skipped' | 'pending';
  readonly folder?: string;
  readonly message?: string;
}

function setUp(change: Partial<ReportSource> = {}, config: Partial<Vitest['config']> = {}) {
  const root = mkdtempSync(join(tmpdir(), 'assay-report-'));
  vi.spyOn(process, 'cwd').mockReturnValue(root);
  writeFileSync(join(root, 'demo.yaml'), DEMO_CONFIG);
  const plan = planSession(sessionOptions({ root }), frameworks);
  const claim = { file: SUITE, tier: 5, name: 'ttft_p99', benchmark: 'ttft_p99', tags: [] };
  const claims = plan.cells.map((planned): PlannedClaim => ({ claim, planned }));
  const screen: string[] = [];
  const live: string[] = [];
  const print = (line: string): number => screen.push(line);
  const vitest = { config: { reporters: [['default', {}]], ...config }, logger: { log: print, error: print } };
  const source: ReportSource = {
    reuse: 'off',
    shard: null,
    progress: {
      start: () => live.push('start'),
      stop: () => live.push('stop'),
      onEvent: ({ type }) => live.push(type),
    },
    plan: () => plan,
    selected: () => claims,
    explainEmpty: () => ['no claim selected - nothing has `x`', 'nearest: `y`'],
    explainEmptyShard: () => null,
    recordSkips: async () => undefined,
    untilStopped: async () => false,
    ...change,
  };
  const reporter = new AssayReporter(vitest as unknown as Vitest, source);
  const tell = (...events: readonly SessionEvent[]): void => events.forEach((event) => reporter.onSessionEvent(event));
  const ended = (planned: PlannedCell, run: Partial<Manifest> = {}): SessionEvent => ({
    type: 'ended',
    planned,
    folder: leaveRun(plan, planned, { durationS: 4, ...run }),
    status: run.status ?? 'passed',
  });
  return { plan, claims, screen, live, reporter, tell, ended };
}

function testOf(claim: PlannedClaim, { state = 'passed', folder, message }: Tested) {
  const meta = { cell: claim.planned.cell.key, claim: claim.claim.name };
  return {
    name: titleOf(claim),
    // Written when a claim begins.
    meta: () => (state === 'pending' ? {} : { assay: folder === undefined ? meta : { ...meta, run: folder } }),
    result: () => ({ state, errors: message === undefined ? [] : [{ message }] }),
  };
}

const moduleOf = (moduleId: string, ...tests: readonly unknown[]): TestModule =>
  ({ moduleId, state: () => 'passed', children: { allTests: () => tests } }) as unknown as TestModule;

const inState = (state: string, module: TestModule): TestModule => Object.assign(module, { state: () => state });

/** Lets a reporter see one pass; answers what it printed. */
async function pass(
  { reporter, screen }: Pick<ReturnType<typeof setUp>, 'reporter' | 'screen'>,
  modules: () => readonly TestModule[],
  { files = [SUITE], reason = 'passed' as TestRunEndReason } = {},
): Promise<string> {
  const from = screen.length;
  reporter.onTestRunStart(files.map((moduleId) => ({ moduleId }) as TestSpecification));
  await reporter.onTestRunEnd(modules(), [], reason);
  return screen
    .slice(from)
    .join('\n')
    .replaceAll(/runs\/demo\/\S+/g, 'runs/demo/…')
    .replaceAll(/^ 0\.\d s/gm, ' 0.0 s');
}

let before: typeof process.exitCode;
beforeEach(() => {
  before = process.exitCode;
  process.exitCode = undefined;
  vi.stubEnv('GITHUB_STEP_SUMMARY', '');
});
afterEach(() => {
  process.exitCode = before;
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

describe('a pass', () => {
  it('is told with a header, the live display and a summary, and the next one from nothing', async () => {
    const session = setUp({ reuse: 'prefer' });
    const [first, second] = session.claims as [PlannedClaim, PlannedClaim];
    const folders: string[] = [];
    const both = () => [
      moduleOf(SUITE, ...[first, second].map((claim, index) => testOf(claim, { folder: folders[index]! }))),
    ];
    const launching = await pass(session, () => {
      for (const { planned } of [first, second]) {
        const miss = { reason: 'seed: 1 -> 2', nearest: null };
        const event = session.ended(planned, { verdicts: [verdict()] });
        if (event.type === 'ended') folders.push(event.folder);
        session.tell({ type: 'missed', planned, miss, skip: null }, { type: 'started', planned, folder: '' }, event);
      }
      return both();
    });
    expect(launching).toMatchInlineSnapshot(`
      " assay  1 config · 2 of 2 cells · 2 claims · artifacts runs/ · reuse prefer


       Cells, and for each benchmark the one nearest to its bound
         demo   2 passed
           ✓ ttft_p99     20 <= 50 ms             margin +30       conc1
         ● demo   2 cells launched: seed: 1 -> 2

       2 claims passed · 0 reused · 2 launched · 0 skipped
       leftovers not checked on this host
       0.0 s, of which 0.0 s setup · evidence in runs/
      "
    `);
    expect(session.live).toEqual(['start', 'missed', 'started', 'ended', 'missed', 'started', 'ended', 'stop']);
    expect(await pass(session, both)).toMatchInlineSnapshot(`
      " assay  1 config · 2 of 2 cells · 2 claims · artifacts runs/ · reuse prefer


       Cells, and for each benchmark the one nearest to its bound
         demo   2 passed
           ✓ ttft_p99     20 <= 50 ms             margin +30       conc1

       2 claims passed · 0 reused · 0 launched · 2 already run · 0 skipped
       0.0 s · evidence in runs/
       nothing had to be launched: no hashed input changed
      "
    `);
    expect(process.exitCode).toBeUndefined();
  });

  it('counts a run of another cell, a stored one and a standing one each where it belongs', async () => {
    const session = setUp({ reuse: 'prefer' });
    const [first, second] = session.claims as [PlannedClaim, PlannedClaim];
    const standing = session.ended(second.planned);
    const folderOf = (event: SessionEvent): string => (event.type === 'ended' ? event.folder : '');
    const folder = folderOf(session.ended(first.planned));
    const text = await pass(session, () => {
      const manifest = { status: 'passed' } as Manifest;
      session.tell({ type: 'reused', planned: first.planned, folder, manifest, judgedAgain: null });
      return [moduleOf(SUITE, testOf(first, { folder }), testOf(second, { folder: folderOf(standing) }))];
    });
    expect(text).toContain(' 2 claims passed · 1 reused · 0 launched · 1 already run · 0 skipped');
  });

  it('tells what failed with the run it failed on', async () => {
    const session = setUp();
    const [first, second] = session.claims as [PlannedClaim, PlannedClaim];
    const failure = {
      category: 'setup_failure',
      originated_in_phase: 'launch',
      message: 'port 8000 is taken',
      evidence: [],
    } as const;
    const text = await pass(session, () => {
      const broken = session.ended(first.planned, { status: 'failed_setup', failure: { ...failure, evidence: [] } });
      const good = session.ended(second.planned);
      session.tell(broken, good);
      const folderOf = (event: SessionEvent): string => (event.type === 'ended' ? event.folder : '');
      return [
        moduleOf(
          SUITE,
          testOf(first, { state: 'failed', folder: folderOf(broken), message: 'the run is failed_setup' }),
          testOf(second, { state: 'failed', folder: folderOf(good), message: 'expected 1 to be 2' }),
        ),
      ];
    });
    expect(text.slice(text.indexOf(' 2 claims failed'))).toMatchInlineSnapshot(`
      " 2 claims failed in 2 ways

       ✗ conc1   failed_setup in launch, 1 claim
         port 8000 is taken
         look closer  less runs/demo/…
         rerun        npx vitest run -t "demo conc1"

       ✗ conc2   ttft_p99 failed
         expected 1 to be 2
         evidence     runs/demo/…
         rerun        npx vitest run -t "ttft_p99 demo conc2"

       0 claims passed · 2 failed · 2 launched · 0 skipped
       leftovers not checked on this host
       0.0 s, of which 0.0 s setup · evidence in runs/
      "
    `);
  });

  it('without any of our files is none of our business', async () => {
    const session = setUp();
    const test = { name: 'adds', meta: () => ({}), result: () => ({ state: 'failed' }) };
    const files = ['/src/add.test.ts'];
    expect(await pass(session, () => [moduleOf(files[0]!, test)], { files })).toBe('');
    // But where the screen is ours, that is where it is shown.
    expect(session.live).toEqual(['start', 'stop']);
    expect(process.exitCode).toBeUndefined();
  });

  it('complains of claims that a loaded file did not register', async () => {
    const session = setUp();
    const [first, second] = session.claims as [PlannedClaim, PlannedClaim];
    const text = await pass(session, () => {
      session.tell(session.ended(first.planned));
      return [moduleOf(SUITE, testOf(first, {}))];
    });
    expect(text.split('\n').at(-1)).toBe(` ${titleOf(second)} was selected and never registered by ${SUITE}`);
    expect(process.exitCode).toBe(1);
  });

  it.each([
    { what: 'before its file was loaded', loaded: false, text: '2 of 2 claims' },
    { what: 'while it judged', loaded: true, text: '1 of 2 claims' },
  ])('whose worker died $what names the file and what was not judged', async ({ loaded, text }) => {
    const session = setUp({}, { testNamePattern: /demo/, tagsFilter: ['tier_5 and not config_other'] });
    const [first, second] = session.claims as [PlannedClaim, PlannedClaim];
    const said = await pass(session, () => {
      session.tell(session.ended(first.planned), session.ended(second.planned));
      return loaded
        ? [inState('pending', moduleOf(SUITE, testOf(first, {}), testOf(second, { state: 'pending' })))]
        : [];
    });
    const file = relative(process.cwd(), SUITE);
    expect(said).toContain(` ✗ ${file}   ${text} not judged: the worker of`);
    const filters = "-t demo --tags-filter 'tier_5 and not config_other'";
    expect(said).toContain(`judge again  ASSAY_REUSE=prefer npx vitest run ${file} ${filters}`);
    expect(said).not.toContain('never registered');
    expect(process.exitCode).toBe(1);
  });

  it('whose worker died because somebody interrupted it is no news', async () => {
    const session = setUp();
    expect(await pass(session, () => [], { reason: 'interrupted' })).not.toContain('worker');
    expect(process.exitCode).toBeUndefined();
  });

  it('that was interrupted complains of nothing', async () => {
    const session = setUp();
    expect(await pass(session, () => [moduleOf(SUITE)], { reason: 'interrupted' })).not.toContain('never registered');
    expect(process.exitCode).toBeUndefined();
  });

  it('that a first failure cut short says what was not judged, and takes no called-off run for a way to fail', async () => {
    const session = setUp();
    const [first, second] = session.claims as [PlannedClaim, PlannedClaim];
    const text = await pass(
      session,
      () => {
        session.tell(session.ended(first.planned), session.ended(second.planned, { status: 'interrupted' }));
        return [
          moduleOf(SUITE, testOf(first, { state: 'failed', message: 'no' }), testOf(second, { state: 'pending' })),
        ];
      },
      { reason: 'interrupted' },
    );
    expect(text).toMatch(/1 claim failed in 1 way[^]*ttft_p99 failed[^]*conc2 {3}interrupted/);
    expect(text).toContain('0 claims passed · 1 failed · 1 not judged · 2 launched');
  });

  it('that somebody stopped names the cells whose turn never came', async () => {
    const session = setUp({ untilStopped: async () => true });
    const [first] = session.claims as [PlannedClaim];
    const text = await pass(session, () => {
      session.tell(session.ended(first.planned));
      return [moduleOf(SUITE, testOf(first, {}))];
    });
    expect(text).toContain('■ demo   conc2 not run: the session was stopped first');
    expect(process.exitCode).toBeUndefined();
  });
});

describe('the exit code', () => {
  it('is that of no verdict where every cell was skipped', async () => {
    const recorded: PlannedCell[] = [];
    const session = setUp({ recordSkips: async (cells) => void recorded.push(...cells) });
    const skip = { reason: 'insufficient_nodes', detail: 'insufficient_nodes (need 4, have 1)' };
    const claims = session.claims.map(({ claim, planned }) => ({ claim, planned: { ...planned, skip } }));
    const skipped = setUp({ selected: () => claims, recordSkips: async (cells) => void recorded.push(...cells) });
    const text = await pass(skipped, () => [
      moduleOf(SUITE, ...claims.map((one) => testOf(one, { state: 'skipped' }))),
    ]);
    expect(text).toContain(' no verdict: all 2 cells were skipped - insufficient_nodes (need 4, have 1)');
    expect(recorded.map(({ cell }) => cell.cellId)).toEqual(['conc1', 'conc2']);
    expect(process.exitCode).toBe(3);
  });

  it('is that of a failure where nothing is selected, and says why; but not in a later pass', async () => {
    const session = setUp({ selected: () => [] });
    expect(await pass(session, () => [], { files: [] })).toBe(' no claim selected - nothing has `x`\n nearest: `y`');
    expect(process.exitCode).toBe(1);
    process.exitCode = undefined;
    expect(await pass(session, () => [], { files: [] })).toBe('');
    expect(process.exitCode).toBeUndefined();
  });

  it('stays where words that are typed in watch mode select nothing, which is told all the same', async () => {
    let why = ['no claim selected - nothing has `x`'];
    const session = setUp({ selected: () => [], explainEmpty: () => why });
    await pass(session, () => [], { files: [] });
    process.exitCode = undefined;
    why = ['no claim selected - nothing has `y`', 'nearest: `z`'];
    expect(await pass(session, () => [], { files: [] })).toBe(` ${why.join('\n ')}\n`);
    expect(process.exitCode).toBeUndefined();
  });

  it('of a failure is kept where nothing was found out besides', async () => {
    const skip = { reason: 'insufficient_nodes', detail: 'insufficient_nodes (need 4, have 1)' };
    const { claims } = setUp();
    const skipped = claims.map(({ claim, planned }) => ({ claim, planned: { ...planned, skip } }));
    process.exitCode = 1;
    await pass(setUp({ selected: () => skipped }), () => [
      moduleOf(SUITE, ...skipped.map((one) => testOf(one, { state: 'skipped' }))),
    ]);
    expect(process.exitCode).toBe(1);
  });

  it('leaves it to other tests where nothing of ours is selected beside them', async () => {
    const session = setUp({ selected: () => [] });
    const test = { name: 'adds', meta: () => ({}), result: () => ({ state: 'passed' }) };
    expect(await pass(session, () => [moduleOf('/src/add.test.ts', test)], { files: ['/src/add.test.ts'] })).toBe('');
    expect(process.exitCode).toBeUndefined();
  });

  it('is that of a failure where no file matches', async () => {
    const session = setUp();
    expect(await pass(session, () => [], { files: [] })).toContain('no test file matches');
    expect(process.exitCode).toBe(1);
  });

  it.each<Partial<Vitest['config']>>([{ changed: true }, { changed: 'HEAD~1' }, { related: ['/src/add.ts'] }])(
    'is good where what no file matches are changes: %o',
    async (config) => {
      expect(await pass(setUp({}, config), () => [], { files: [] })).toBe('');
      expect(process.exitCode).toBeUndefined();
    },
  );

  it('is good for a shard that got no cell', async () => {
    const why = 'shard 3/3 has no cell: 2 cells over 3 shards';
    const shard = { index: 3, count: 3 };
    const session = setUp({ shard, selected: () => [], explainEmptyShard: () => why });
    expect(await pass(session, () => [], { files: [] })).toBe(` ${why}`);
    expect(process.exitCode).toBeUndefined();
  });
});

it('says in the header which part of the cells is run, and how', async () => {
  const session = setUp({ reuse: 'only', shard: { index: 1, count: 2 } });
  const one = setUp({ selected: () => session.claims.slice(0, 1), reuse: 'only', shard: { index: 1, count: 2 } });
  const text = await pass(one, () => []);
  expect(text.split('\n').slice(0, 2)).toEqual([
    ' assay  1 config · 1 of 2 cells · 1 claim · artifacts runs/ · reuse only',
    ' shard 1/2',
  ]);
});

describe('merged reports', () => {
  /** Lets a reporter see two reports on one file, of which Vitest keeps the last one. */
  async function merge(session: ReturnType<typeof setUp>, modules: readonly TestModule[]): Promise<string> {
    for (const module of modules) session.reporter.onTestModuleEnd(module);
    return pass(session, () => modules.slice(-1));
  }

  it('are summed up without a header, and complain of nothing that is not in them', async () => {
    const session = setUp({}, { mergeReports: '.vitest-reports' });
    const [first, second] = session.claims as [PlannedClaim, PlannedClaim];
    const folders = [first, second].map(({ planned }) => {
      const event = session.ended(planned, { verdicts: [verdict()] });
      return event.type === 'ended' ? event.folder : '';
    });
    const modules = [first, second].map((claim, at) => moduleOf(SUITE, testOf(claim, { folder: folders[at] ?? '' })));
    expect(await merge(session, modules)).toMatchInlineSnapshot(`
      "
       Cells, and for each benchmark the one nearest to its bound
         demo   2 passed
           ✓ ttft_p99     20 <= 50 ms             margin +30       conc1

       2 claims passed · reports of 2 runs merged
      "
    `);
    expect(session.live).toEqual([]);
    expect(process.exitCode).toBeUndefined();
  });

  it('fail where any of them did, and need no run to say so', async () => {
    const session = setUp({}, { mergeReports: '.vitest-reports' });
    const [first, second] = session.claims as [PlannedClaim, PlannedClaim];
    const failed = testOf(first, { state: 'failed', folder: '/elsewhere/1', message: 'expected 2 to be 0' });
    const modules = [inState('failed', moduleOf(SUITE, failed)), moduleOf(SUITE, testOf(second, {}))];
    const text = await merge(session, modules);
    expect(text).toContain('✗ conc1   ttft_p99 failed');
    expect(text).toContain(' 1 claim passed · 1 failed · reports of runs that lie elsewhere merged');
    expect(process.exitCode).toBe(1);
  });

  it('without any claim are none of our business', async () => {
    const session = setUp({ selected: () => [] }, { mergeReports: '.vitest-reports' });
    expect(await merge(session, [moduleOf('/src/add.test.ts')])).toBe('');
    expect(process.exitCode).toBeUndefined();
  });
});
