import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Manifest } from '../../src/evidence/manifest.ts';
import { listLive } from '../../src/evidence/store/live-runs.ts';
import { readManifest } from '../../src/evidence/run-reader.ts';
import { localExecutor } from '../../src/exec/local.ts';
import { COMMAND, NODE, ONE_CELL, Project, VITEST_SCRIPT } from './project.ts';
import { CTRL_C, noTerminal, Terminal } from './terminal.ts';

const VITEST = [NODE, VITEST_SCRIPT];
const ASSAY = [NODE, COMMAND];

/** Three cells that run until they are ended, one after the other. */
const ENDLESS = ONE_CELL.replace('[2]', '[1, 2, 4]')
  .replace('num_prompts: 8', 'num_prompts: 100000')
  .replace('osl: 8', 'osl: 64');

const OWN_TEST = `import { it } from 'vitest';\nit('own', () => {});\n`;
const OWN_HANGING_TEST = `import { it } from 'vitest';
it('own', () => { process.stderr.write('own runs\\n'); return new Promise(() => setInterval(() => {}, 1000)); }, 0);
`;
const PROJECTS = `import { assay } from 'vitest-assay';
export default { test: { projects: [{ plugins: [assay()], test: { name: 'bench', include: ['tests/**'] } }] } };
`;

/** Vitest 5 writes the report to a file otherwise. */
const JSON_ON_STDOUT = `import { assay } from 'vitest-assay';
export default { plugins: [assay()], test: { include: [], reporters: [['json', { stdout: true }]] } };
`;

const env = { ...process.env, NO_COLOR: '1', CI: 'true' };

function terminalIn({ root: cwd }: Project, argv: readonly string[], variables: NodeJS.ProcessEnv = env): Terminal {
  const terminal = new Terminal(argv, { cwd, env: variables });
  onTestFinished(() => terminal.close());
  return terminal;
}

function open(argv: readonly string[], config = ENDLESS, files: Readonly<Record<string, string>> = {}) {
  const project = new Project({ 'configs/quick.yaml': config, ...files });
  return { project, terminal: terminalIn(project, argv) };
}

/** The one run that is under way, with its job host. */
function liveRun({ root }: Project) {
  const [live, ...others] = listLive(join(root, 'runs'));
  expect(others).toEqual([]);
  return { folder: live!.folder, runId: live!.run_id, jobHost: live!.holder.pid };
}

const serversOf = async (runId: string): Promise<readonly number[]> => {
  const found = (await localExecutor('localhost').findLabelled(runId)) ?? [];
  return found.flatMap((item) => (item.kind === 'process' ? [item.pid] : []));
};

/** Signals a process; false when there is none. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

/** Makes the servers of a run deaf: whoever stops them waits. Answers what lets them go on. */
async function freezeServers(runId: string): Promise<() => void> {
  const pids = await serversOf(runId);
  expect(pids).not.toEqual([]);
  for (const pid of pids) signal(pid, 'SIGSTOP');
  return () => {
    for (const pid of pids) signal(pid, 'SIGCONT');
  };
}

async function expectGone({ runId, jobHost }: ReturnType<typeof liveRun>): Promise<void> {
  expect(await serversOf(runId)).toEqual([]);
  expect(signal(jobHost, 0)).toBe(false);
}

/** What is said of runs that a signal cut short, and nothing else. */
function expectCleanStop(screen: string, stage: RegExp, signalName = 'Ctrl-C'): void {
  expect(screen).toMatch(
    new RegExp(String.raw`■ stopping: balanced-conc1 \(${stage.source}, \d+ s\) - ${signalName} again to force`),
  );
  expect(screen).toMatch(/✗ balanced-conc1 +interrupted/);
  expect(screen).toContain('2 cells not run: the session was stopped first');
  // In watch mode stored runs are preferred, and counted.
  expect(screen).toMatch(
    /0 claims passed · (?:0 reused · )?1 launched · 0 skipped · 2 not run(?: ·)?\s+nothing left running/,
  );
  expect(screen.match(/stopping/g)).toHaveLength(1);
  for (const noise of ['exited unexpectedly', 'FAIL', 'Unhandled', 'forced', '    at ']) {
    expect(screen).not.toContain(noise);
  }
}

const manifestsOf = (project: Project): readonly Manifest[] =>
  project.runFolders().map((folder) => readManifest(folder));

describe.skipIf(noTerminal !== null)(`Ctrl-C in a terminal${noTerminal === null ? '' : `: ${noTerminal}`}`, () => {
  it.each([
    { stage: 'launch', argv: [...VITEST, 'run'] },
    { stage: 'await', argv: [...VITEST, 'run'] },
    { stage: 'await', argv: [...ASSAY, 'run'] },
  ])('during $stage ends the run in order ($argv.1)', async ({ stage, argv }) => {
    const { project, terminal } = open(argv);
    await terminal.shows(`balanced-conc1             ${stage}`);
    const live = liveRun(project);
    terminal.type(CTRL_C);
    expect(await terminal.ended).toBe(130);
    await expectGone(live);
    expectCleanStop(terminal.screen, new RegExp(stage));
    expect(manifestsOf(project)).toMatchObject([{ status: 'interrupted', teardown: { orphans: 0, error: null } }]);
  });

  it.each([
    {
      name: 'a worker that a terminal ends with it',
      file: 'tests/own.test.js',
      text: OWN_HANGING_TEST,
      shows: 'own runs',
    },
    { name: 'workers of a project whose root has no plugin', file: 'vitest.config.js', text: PROJECTS, shows: 'await' },
  ])('makes no noise about $name', async ({ file, text, shows }) => {
    const { project, terminal } = open([...VITEST, 'run', '--maxWorkers=2', 'own', 'latency'], ENDLESS, {
      [file]: text,
    });
    await terminal.shows('await');
    await terminal.shows(shows);
    const live = liveRun(project);
    terminal.type(CTRL_C);
    expect(await terminal.ended).toBe(130);
    await expectGone(live);
    expectCleanStop(terminal.screen, /await/);
  });

  it('during teardown waits for it, and leaves the run the status it had', async () => {
    const { project, terminal } = open([...VITEST, 'run'], `${ENDLESS.trimEnd().slice(0, -1)}, inactivity: 1s}\n`);
    await terminal.shows('await');
    const live = liveRun(project);
    const thaw = await freezeServers(live.runId);
    const events = () => readFileSync(join(live.folder, 'events.jsonl'), 'utf8');
    await expect.poll(events, { timeout: 30_000, interval: 50 }).toContain('teardown.start');
    terminal.type(CTRL_C);
    await terminal.shows(/■ stopping: balanced-conc1 \(teardown, \d+ s\)/);
    thaw();
    expect(await terminal.ended).toBe(130);
    await expectGone(live);
    expect(terminal.screen).toContain('2 cells not run');
    expect(manifestsOf(project)).toMatchObject([{ failure: { originated_in_phase: 'await' } }]);
  });

  it('twice does not wait for a teardown that hangs', async () => {
    const { project, terminal } = open([...VITEST, 'run']);
    await terminal.shows('await');
    const live = liveRun(project);
    onTestFinished(await freezeServers(live.runId));
    terminal.type(CTRL_C);
    await terminal.shows('stopping');
    terminal.type(CTRL_C);
    expect(await terminal.ended).toBe(130);
    await expectGone(live);
    expect(terminal.screen).not.toContain('claims passed');
    expect(terminal.screen).not.toContain('forced');
    expect(manifestsOf(project)).toMatchObject([{ status: 'interrupted', teardown: { orphans: 1 } }]);
  });

  it('in watch mode stops what runs and quits', async () => {
    const project = new Project({ 'configs/quick.yaml': ENDLESS });
    const { CI: _, ...interactive } = env;
    const terminal = terminalIn(project, [...VITEST, 'watch'], interactive);
    await terminal.shows('await');
    const live = liveRun(project);
    terminal.type(CTRL_C);
    expect(await terminal.ended).toBe(130);
    await expectGone(live);
    expectCleanStop(terminal.screen, /await/);
  });

  it('in watch mode with nothing running is left to Vitest, as its keys are', async () => {
    const project = new Project({ 'configs/quick.yaml': ENDLESS, 'tests/own.test.js': OWN_TEST });
    const { CI: _, ...interactive } = env;
    const terminal = terminalIn(project, [...VITEST, 'watch', '-t', 'own'], interactive);
    await terminal.shows('press q to quit');
    terminal.type('h');
    await terminal.shows('Watch Usage');
    terminal.type(CTRL_C);
    expect(await terminal.ended).toBe(130);
    expect(terminal.screen).not.toContain('stopping');
  });
});

/** Starts a command without a terminal, and waits until its first cell is under load. */
async function startUnderLoad(argv: readonly string[], files: Readonly<Record<string, string>> = {}) {
  const project = new Project({ 'configs/quick.yaml': ENDLESS, ...files });
  const [file = '', ...args] = argv;
  const command = execa(file, args, { cwd: project.root, reject: false, all: true, env });
  const screen = { text: '' };
  await new Promise<void>((loaded) => {
    command.all.on('data', (chunk: Buffer) => {
      screen.text += chunk.toString();
      if (screen.text.includes(' await ')) loaded();
    });
  });
  return { project, command, screen, live: liveRun(project) };
}

describe('a signal without a terminal', () => {
  it.each([
    { name: 'SIGTERM', argv: [...VITEST, 'run'], code: 143, key: 'SIGTERM' },
    { name: 'SIGTERM', argv: [...ASSAY, 'run'], code: 143, key: 'SIGTERM' },
    { name: 'SIGINT', argv: [...ASSAY, 'run'], code: 130, key: 'Ctrl-C' },
  ] as const)('$name to $argv.1 alone ends the run in order', async ({ name, argv, code, key }) => {
    const { project, command, live } = await startUnderLoad(argv);
    command.kill(name);
    const { all, exitCode } = await command;
    expect(exitCode).toBe(code);
    await expectGone(live);
    expectCleanStop(all, /await/, key);
    expect(manifestsOf(project)).toMatchObject([{ status: 'interrupted' }]);
  });

  it('to a reporter that machines read leaves stdout to it', async () => {
    const { command, live } = await startUnderLoad([...VITEST, 'run'], { 'vitest.config.js': JSON_ON_STDOUT });
    command.kill('SIGTERM');
    const { stdout, stderr } = await command;
    await expectGone(live);
    expect(JSON.parse(stdout)).toMatchObject({ numFailedTests: 0 });
    expectCleanStop(stderr, /await/, 'SIGTERM');
  });

  it('that kills `assay run` outright stops its Vitest as well, in order', async () => {
    const { project, command, screen, live } = await startUnderLoad([...ASSAY, 'run']);
    const vitest = Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(live.jobHost)], { encoding: 'utf8' }));
    command.kill('SIGKILL');
    await expect.poll(() => signal(vitest, 0), { timeout: 30_000, interval: 50 }).toBe(false);
    await command;
    await expectGone(live);
    expectCleanStop(screen.text, /await/, 'SIGTERM');
    expect(manifestsOf(project)).toMatchObject([{ status: 'interrupted' }]);
  });
});
