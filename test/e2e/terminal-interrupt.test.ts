import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { listLive } from '../../src/evidence/store/live-runs.ts';
import { COMMAND, NODE, VITEST_SCRIPT } from './project.ts';
import { CTRL_C, noTerminal, Terminal } from './terminal.ts';
import { Counted } from './workloads/counted.ts';
import { linesOf } from './workloads/stand-in.ts';
import type { Hold } from './workloads/stand-in.ts';

/** Opens a session in a terminal, whose workload does not go on at this stage, and waits until it stands there. */
async function standingIn(stage: Stage, holds: readonly Hold[], argv: readonly string[]) {
  const counted = new Counted({ slots: [1, 2, 3], holds: [HELD_AT[stage], ...holds] });
  const env = { ...process.env, NO_COLOR: '1', CI: 'true', ...counted.env };
  const terminal = new Terminal([NODE, ...argv], { cwd: counted.project.root, env });
  onTestFinished(() => {
    counted.standIn.release();
    terminal.close();
  });
  await terminal.shows(SHOWN_AT[stage]);
  await vi.waitUntil(() => counted.standIn.launches().length === 1, { timeout: 30_000 });
  return { counted, terminal };
}

type Stage = 'launch' | 'await' | 'teardown';

const HELD_AT = { launch: 'ready', await: 'token', teardown: 'exit' } as const satisfies Record<Stage, Hold>;
const SHOWN_AT = { launch: /slots1 +launch/, await: /slots1 +await/, teardown: /slots1 +await/ };

describe.skipIf(noTerminal !== null)(`Ctrl-C in a terminal${noTerminal === null ? '' : `: ${noTerminal}`}`, () => {
  const cases = [
    { command: 'vitest run', argv: [VITEST_SCRIPT, 'run'], stage: 'launch' },
    { command: 'vitest run', argv: [VITEST_SCRIPT, 'run'], stage: 'await' },
    { command: 'assay run', argv: [COMMAND, 'run'], stage: 'await' },
  ] as const;

  it.each(cases)('once during $stage of `$command` waits for a workload that is slow to end', async (one) => {
    const { counted, terminal } = await standingIn(one.stage, ['exit'], one.argv);
    terminal.type(CTRL_C);
    await terminal.shows(new RegExp(`stopping: slots1 \\(${one.stage}, \\d+ s\\) - Ctrl-C again to force`));
    counted.standIn.release();
    expect(await terminal.ended).toBe(130);
    await counted.expectNothingLeft();
    expect(counted.standIn.launchedSlots()).toEqual([1]);
    expect(counted.runs().map(({ manifest }) => manifest)).toMatchObject([
      { status: 'interrupted', teardown: { orphans: 0, error: null } },
    ]);
    expect(terminal.screen).toContain('2 cells not run');
    expect(terminal.screen).toMatch(/1 launched[^]*nothing left running/);
  });

  it.each(cases)('twice during $stage of `$command` does not wait for it', async (one) => {
    const { counted, terminal } = await standingIn(one.stage, ['exit'], one.argv);
    terminal.type(CTRL_C);
    await terminal.shows('stopping: slots1');
    terminal.type(CTRL_C);
    expect(await terminal.ended).toBe(130);
    await counted.expectNothingLeft();
    expect(counted.standIn.launchedSlots()).toEqual([1]);
    expect(counted.runs().map(({ manifest }) => manifest)).toMatchObject([{ status: 'interrupted' }]);
  });

  it.each([
    { times: 'once', presses: 1, status: 'passed' },
    { times: 'twice', presses: 2, status: 'interrupted' },
  ])('$times during teardown ends the run as $status', async ({ presses, status }) => {
    const { counted, terminal } = await standingIn('teardown', [], [VITEST_SCRIPT, 'run']);
    // The live window shows it, plain lines do not.
    await vi.waitUntil(() => stageOf(counted) === 'teardown', { timeout: 30_000 });
    for (let press = 0; press < presses; press += 1) {
      terminal.type(CTRL_C);
      await terminal.shows(/stopping: slots1 \(teardown/);
    }
    if (presses === 1) counted.standIn.release();
    expect(await terminal.ended).toBe(130);
    await counted.expectNothingLeft();
    expect(counted.standIn.launchedSlots()).toEqual([1]);
    expect(counted.runs().map(({ manifest }) => manifest.status)).toEqual([status]);
  });
});

/** The last thing that the only live run noted; empty before it notes anything. */
function stageOf({ project }: Counted): string {
  const [live] = listLive(join(project.root, 'runs'));
  const events = live === undefined ? [] : linesOf(join(live.folder, 'events.jsonl'));
  return events.some((line) => line.includes('"teardown.start"')) ? 'teardown' : '';
}
