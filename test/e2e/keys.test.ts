import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { NODE, VITEST_SCRIPT } from './project.ts';
import { noTerminal, Terminal } from './terminal.ts';
import { Counted } from './workloads/counted.ts';
import type { Reported } from './workloads/counted.ts';

const HIDE_CURSOR = '\u001B[?25l';
const SHOW_CURSOR = '\u001B[?25h';

/** A counted project in watch mode, in a terminal, after its first pass. */
async function watch() {
  const counted = new Counted({ slots: [1, 2] });
  const { CI: _, ...inherited } = process.env;
  const env = { ...inherited, NO_COLOR: '1', ...counted.env };
  const terminal = new Terminal([NODE, VITEST_SCRIPT, 'watch'], { cwd: counted.project.root, env });
  onTestFinished(() => terminal.close());
  await pass(counted, 1);
  await terminal.shows('press q to quit');
  return { counted, terminal };
}

/** The tests of a pass, counted from 1, once it is over. */
async function pass(counted: Counted, number: number): Promise<readonly Reported[]> {
  const passes = await vi.waitUntil(
    () => {
      const seen = counted.passes();
      return seen.length >= number && seen;
    },
    { timeout: 45_000, interval: 50 },
  );
  return passes[number - 1] ?? [];
}

describe.skipIf(noTerminal !== null)(`a key in watch mode${noTerminal === null ? '' : `: ${noTerminal}`}`, () => {
  it('r judges everything again and launches nothing', async () => {
    const { counted, terminal } = await watch();
    terminal.type('r');
    counted.expectJudged(await pass(counted, 2), [1, 2]);
    counted.expectLaunchedOnce([1, 2]);
    await terminal.shows('0 launched');
  });

  it('t takes words, and leaves exactly the claims that carry them', async () => {
    const { counted, terminal } = await watch();
    terminal.type('t');
    await terminal.shows('Input test name pattern');
    terminal.type('slots2 tier_1');
    await terminal.shows('slots2 tier_1');
    terminal.type('\r');
    const judged = await pass(counted, 2);
    expect(judged.map(({ name }) => name).toSorted()).toEqual([
      'finished[llama_cpp-byte_llama-cpu-slots2]',
      'judged[llama_cpp-byte_llama-cpu-slots2]',
    ]);
    expect(judged.map(({ state }) => state)).toEqual(['passed', 'passed']);
    counted.expectLaunchedOnce([1, 2]);
  });

  it('q leaves with 0, nothing behind and the cursor shown', async () => {
    const { counted, terminal } = await watch();
    terminal.type('q');
    expect(await terminal.ended).toBe(0);
    expect(terminal.written.lastIndexOf(SHOW_CURSOR)).toBeGreaterThanOrEqual(terminal.written.lastIndexOf(HIDE_CURSOR));
    await counted.expectNothingLeft();
  });
});
