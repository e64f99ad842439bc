import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TestCase, TestSpecification, Vitest } from 'vitest/node';
import type { PlannedClaim } from '../../../../src/session/planned-claim.ts';
import { LiveCells } from '../../../../src/vitest/live/live-cells.ts';
import { ownTheScreen } from '../../../../src/vitest/live/live-screen.ts';
import { liveProgress } from '../../../../src/vitest/live/progress.ts';
import type { TestTally } from '../../../../src/vitest/live/test-tally.ts';
import { FakeTerminal } from './fake-terminal.ts';
import { plannedCell } from '../planned-cell.ts';

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubEnv('CI', '');
  vi.stubEnv('TERM', 'xterm');
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

function fakeVitest(reporters: unknown[] = [['default', {}]]) {
  const [out, err] = [new FakeTerminal(), new FakeTerminal()];
  out.columns = 80;
  err.columns = 80;
  const logger = {
    outputStream: out,
    errorStream: err,
    log: (line: string) => out.write(`${line}\n`),
    error: (line: string) => err.write(`${line}\n`),
  };
  let close = (): void => undefined;
  const onClose = (listener: () => void): void => void (close = listener);
  const vitest = { version: '4.1.12', config: { reporters }, logger, onClose } as unknown as Vitest;
  return { vitest, out, err, reporters, close: () => close() };
}

const FILE = '/suites/latency.test.ts';
const localhost = { state: 'bound', hosts: { server: ['localhost'] } };

function claimOf(cellId: string, { file = FILE, skip = null as null | object } = {}): PlannedClaim {
  return { claim: { file }, planned: { ...plannedCell(cellId), binding: localhost, skip } } as unknown as PlannedClaim;
}

/** A session on a Vitest, with what its reporters and workers do to it. */
function session({ vitest, reporters }: ReturnType<typeof fakeVitest>, selected: readonly PlannedClaim[]) {
  const cells = new LiveCells(() => undefined);
  const progress = liveProgress(vitest, { estimateS: () => null, selected: () => selected, cells });
  const tally = reporters.find((one) => !Array.isArray(one)) as TestTally;
  return {
    progress,
    cells,
    tally,
    begin: () => {
      tally.onTestRunStart([{ moduleId: FILE } as TestSpecification]);
      progress.start();
    },
    ask: (one: PlannedClaim) => void cells.track(one.planned.cell.key, () => new Promise(() => undefined)),
  };
}

const folder = 'runs/x';
const [a, b] = [claimOf('conc1'), claimOf('conc2')];

describe('live progress on a terminal', () => {
  it('shows what runs, what waits and how far all of it is, below the lines that stay', () => {
    const fake = fakeVitest();
    const { begin, ask, progress, tally } = session(fake, [
      a,
      b,
      claimOf('conc3', { skip: {} }),
      claimOf('x', { file: '/y' }),
    ]);
    begin();
    for (const one of [a, b]) ask(one);
    const { planned } = a;
    progress.onEvent({ type: 'started', planned, folder });
    progress.onEvent({ type: 'phase', planned, phase: 'launch' });
    tally.onTestCaseResult({ result: () => ({ state: 'passed' }) } as TestCase);
    vi.advanceTimersByTime(2000);
    expect(fake.out.text).toBe(
      '\n ● demo  conc1  launch  2 s\n ○ 1 cell waiting for localhost\n   0 of 2 cells done · tests 1 passed · 0 of 1 file · 2 s',
    );
    progress.onEvent({ type: 'ended', planned, folder, status: 'passed' });
    progress.stop();
    expect(fake.out.text.trimEnd()).toBe(' ✓ conc1                      passed    2.0 s');
    expect(fake.out.isCursorShown).toBe(true);
  });

  it('counts the cells that are done in this pass', async () => {
    const fake = fakeVitest();
    const { begin, cells, progress } = session(fake, [a, b]);
    for (const done of [1, 1]) {
      begin();
      await cells.track(a.planned.cell.key, () => Promise.resolve());
      vi.advanceTimersByTime(1000);
      expect(fake.out.text).toContain(`${done} of 2 cells done`);
      progress.stop();
      expect(fake.out.text.trim()).toBe('');
    }
  });

  it('leaves the terminal alone without any cell, unless it took the window of others away', () => {
    const fake = fakeVitest();
    const { begin, progress } = session(fake, [claimOf('conc3', { skip: {} })]);
    begin();
    vi.advanceTimersByTime(1000);
    progress.stop();
    expect(fake.out.writes).toBe(0);
    ownTheScreen(fake.vitest);
    begin();
    vi.advanceTimersByTime(1000);
    expect(fake.out.text).toBe('\n   tests 0 passed · 0 of 1 file · 1 s');
    progress.stop();
  });

  it('has one window for all sessions of a Vitest', () => {
    const fake = fakeVitest();
    const one = session(fake, [a]);
    const two = session(fake, [claimOf('conc9')]);
    one.begin();
    two.progress.start();
    expect(fake.reporters).toHaveLength(2);
    vi.advanceTimersByTime(1000);
    expect(fake.out.text).toContain('0 of 2 cells done');
    one.progress.stop();
    vi.advanceTimersByTime(1000);
    expect(fake.out.text).toContain('0 of 1 cell done');
    two.progress.stop();
    expect(fake.out.text.trim()).toBe('');
  });

  it('ends with its Vitest, and begins anew with a restarted one', () => {
    const fake = fakeVitest();
    session(fake, [a]).begin();
    fake.close();
    fake.out.write('closed\n');
    expect(fake.out.text).toBe('closed\n');
    // A restart keeps the object, and gives it another config.
    const reporters: unknown[] = [];
    Object.assign(fake.vitest, { config: { reporters } });
    session({ ...fake, reporters }, [a, b]).begin();
    vi.advanceTimersByTime(1000);
    expect(fake.out.text).toContain('0 of 2 cells done');
    fake.close();
  });

  it('is on stderr while a machine reads stdout', () => {
    const fake = fakeVitest([['json', {}]]);
    const { begin, progress } = session(fake, [a]);
    begin();
    progress.onEvent({ type: 'started', planned: a.planned, folder });
    vi.advanceTimersByTime(1000);
    progress.onEvent({ type: 'ended', planned: a.planned, folder, status: 'passed' });
    progress.stop();
    expect(fake.out.writes).toBe(0);
    expect(fake.err.text).toContain('✓ conc1');
  });

  it.each([
    { name: 'CI', set: () => void vi.stubEnv('CI', 'true') },
    { name: 'a dumb terminal', set: () => void vi.stubEnv('TERM', 'dumb') },
    {
      name: 'a window of somebody else',
      set: (out: FakeTerminal) => void Object.assign(out, { write: out.write.bind(out) }),
    },
    { name: 'no terminal', set: (out: FakeTerminal) => void Object.assign(out, { isTTY: false }) },
  ])('is plain lines on $name', ({ set }) => {
    const fake = fakeVitest();
    set(fake.out);
    const { begin, progress } = session(fake, [a]);
    begin();
    progress.onEvent({ type: 'started', planned: a.planned, folder });
    progress.onEvent({ type: 'phase', planned: a.planned, phase: 'launch' });
    vi.advanceTimersByTime(10_000);
    progress.stop();
    vi.advanceTimersByTime(60_000);
    expect(fake.out.text).toBe(
      [` ● conc1                      launch    demo`, ` ● conc1                      launch    demo   10 s`, ''].join(
        '\n',
      ),
    );
  });
});

describe('a Vitest whose screen is ours', () => {
  const inline = {};
  const given = () => [
    ['default', { silent: true }],
    ['verbose', {}],
    ['dot', {}],
    ['json', { outputFile: 'a' }],
    inline,
  ];

  it('draws no windows of its own, and reports as ever', () => {
    const { vitest, reporters } = fakeVitest(given());
    ownTheScreen(vitest);
    expect(reporters).toEqual([
      ['default', { silent: true, summary: false }],
      ['verbose', { summary: false }],
      ['dot', { isTTY: false }],
      ['json', { outputFile: 'a' }],
      inline,
    ]);
  });

  it('keeps its windows where we draw none', () => {
    vi.stubEnv('TERM', 'dumb');
    const { vitest, reporters } = fakeVitest(given());
    ownTheScreen(vitest);
    expect(reporters).toEqual(given());
  });
});
