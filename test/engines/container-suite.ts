import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContainerSpec } from '../../src/config/schema/container.ts';
import { scrubberOf } from '../../src/core/scrubber.ts';
import { SecretValue } from '../../src/core/secret.ts';
import type { Command } from '../../src/exec/executor.ts';
import { IMAGE, containersOf, openBench, printed, shell } from './container-bench.ts';
import type { Bench } from './container-bench.ts';
import type { TestEngine } from './docker-engine.ts';
import { describeImages } from './image-suite.ts';
import { staysWhenKept } from './kept-suite.ts';
import { goesWithItsRun } from './scratch-suite.ts';

const SECRET = 'hf_SECRETsecretSECRET';

interface Suite {
  readonly runtime: ContainerSpec['runtime'];
  /** Why the engine cannot be tested here. */
  readonly missing: string | null;
  readonly start: () => Promise<TestEngine>;
  /** What else holds for this engine alone. */
  readonly more?: (bench: () => Bench) => void;
}

/** What holds for every container engine, and for nothing but containers. */
export function describeContainers({ runtime, missing, start, more }: Suite): void {
  describe.skipIf(missing !== null)(`containers of ${runtime}${missing === null ? '' : ` (${missing})`}`, () => {
    let bench: Bench;
    beforeAll(async () => {
      bench = await openBench(runtime, start);
    });
    afterAll(() => bench?.close());
    const lazily = (): Bench => bench;
    describe('what a role gets', () => getsWhatItNeeds(lazily));
    describe('secrets', () => keepsSecrets(lazily));
    describe('how it ends', () => tellsHowItEnds(lazily, runtime));
    describe('what is refused', () => explainsRefusals(lazily));
    describe('what is ours', () => touchesOnlyOurs(lazily));
    describe('when it is kept', () => staysWhenKept(lazily));
    describe('the folder of its run', () => goesWithItsRun(lazily, runtime));
    describe('images', () => describeImages(lazily));
    more?.(lazily);
  });
}

function getsWhatItNeeds(bench: () => Bench): void {
  it('carries the labels of its run and role, under a name of its own', async () => {
    const { process, containerId, runId } = await bench().start(shell('sleep 60'), { role: 'decode' });
    const format = '{{.Name}} {{index .Config.Labels "assay.run_id"}} {{index .Config.Labels "assay.role"}}';
    const told = await bench().client('container', 'inspect', '--format', format, containerId);
    await process.stop(0);
    expect(told.replace(/^\//, '')).toBe(`assay-${runId}-decode.here ${runId} decode`);
  });

  it('is identified by its image and its first process', async () => {
    const { process } = await bench().start(shell('echo up; exec sleep 60'));
    const { id } = process;
    await expect.poll(() => commandLine(String(id.pid))).toBe('sleep\0' + '60\0');
    const usage = await process.usage();
    await process.stop(0);
    expect(id).toMatchObject({ kind: 'container', image: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) });
    expect(usage).toEqual({ cpuSeconds: expect.any(Number), peakRssBytes: expect.any(Number) });
    expect(await process.usage()).toEqual({ cpuSeconds: null, peakRssBytes: null });
  });

  it('gets its environment verbatim, the secrets and the run label with it', async () => {
    const oneLine = fc.string({ unit: 'grapheme' }).filter((text) => !/[\n\r\0]/.test(text));
    const values = ['', ' both ', `"q" 'x' =y`, '$HOME `x` \\n', '#no comment', ...fc.sample(oneLine, 60)];
    const env = Object.fromEntries(values.map((value, index) => [`VALUE_${index}`, value]));
    const { process, log, runId } = await bench().start(
      { file: '/bin/env', args: ['-0'], env: { FROM_BOTH: 'command', ...env } },
      { secrets: { TOKEN: new SecretValue('token', SECRET) } },
      { env: { FROM_BOTH: 'config', FROM_CONFIG: 'yes' } },
    );
    await process.exited;
    const seen = Object.fromEntries(
      log()
        .split('\0')
        .map((pair) => [pair.split('=')[0], pair.slice(pair.indexOf('=') + 1)]),
    );
    await process.stop(0);
    expect(seen).toMatchObject({
      ...env,
      FROM_BOTH: 'command',
      FROM_CONFIG: 'yes',
      TOKEN: SECRET,
      ASSAY_RUN_ID: runId,
    });
  });

  it('sees its mounts and what its command reads, read-only where it should', async () => {
    const folder = join(bench().folder, 'with, a comma');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'weights'), 'heavy\n');
    const script = [
      `cat "${folder}/weights"`,
      `echo x >"${folder}/new" || echo reads are safe`,
      'echo x >/safe/new || echo mounts are safe',
      'echo written >/open/new',
      'df -k /dev/shm | tail -1',
    ].join('\n');
    const { process, log } = await bench().start(
      shell(script, { reads: [folder, folder] }),
      {},
      { mounts: [`${folder}:/safe:ro`, `${folder}:/open`], shm_size: '8m' },
    );
    await process.exited;
    await process.stop(0);
    expect(log()).toContain('heavy\n');
    expect(log()).toContain('reads are safe');
    expect(log()).toContain('mounts are safe');
    expect(log()).toMatch(/ 8192 /);
    expect(readFileSync(join(folder, 'new'), 'utf8')).toBe('written\n');
  });

  it('prints into its log what it printed, on both streams, to the last line', async () => {
    const { process, log } = await bench().start(shell('echo out; echo err >&2; sleep 0.3; seq 100000; printf rest'));
    await process.exited;
    await process.stop(0);
    const lines = log().split('\n');
    expect(lines).toEqual(expect.arrayContaining(['out', 'err', '1', '100000']));
    expect(lines.at(-1)).toBe('rest');
    expect(lines).toHaveLength(100_003);
  });
}

function keepsSecrets(bench: () => Bench): void {
  const secret = new SecretValue('token', SECRET);

  it('are in no command line, no label, no file and no log', async () => {
    const { process, containerId, log } = await bench().start(shell('echo "token $TOKEN"; sleep 60'), {
      secrets: { TOKEN: secret },
      scrubber: scrubberOf([secret]),
    });
    await printed(process, 'token ');
    const labels = await bench().client('container', 'inspect', '--format', '{{json .Config.Labels}}', containerId);
    const running = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => commandLine(pid));
    await process.stop(0);
    const places = [labels, log(), ...bench().commands, ...running, ...filesIn(tmpdir())];
    expect(places.filter((place) => place.includes(SECRET))).toEqual([]);
    expect(log()).toContain(`token ${secret.toString()}`);
  });

  it('are in no error', async () => {
    const failures = [
      bench().start(shell('true'), { secrets: { TOKEN: new SecretValue('token', `${SECRET}\n`) } }),
      bench().start(shell('true'), { secrets: { 'A B': secret } }),
      bench().start(shell('true', { reads: ['/nowhere/at/all'] }), { secrets: { TOKEN: secret } }),
    ];
    for (const failure of await Promise.allSettled(failures)) {
      if (failure.status === 'fulfilled') throw new Error('it started');
      expect(failure.reason).toMatchObject({ code: 'SETUP_FAILED', hint: expect.any(String) });
      expect(`${failure.reason.stack} ${JSON.stringify(failure.reason.cause)}`).not.toContain(SECRET);
    }
  });
}

function tellsHowItEnds(bench: () => Bench, runtime: ContainerSpec['runtime']): void {
  it.each([0, 3, 125, 126, 127, 137])('with code %i of the program', async (code) => {
    const { process } = await bench().start(shell(`exit ${code}`));
    expect(await process.exited).toEqual({ kind: 'exited', code });
    expect(process.exit()).toEqual({ kind: 'exited', code });
    expect(await process.stop(0)).toEqual({ kind: 'exited', code });
  });

  it('with 137 when it was killed', async () => {
    const { process: role } = await bench().start(shell('sleep 60'));
    expect(role.exit()).toBeNull();
    process.kill(role.id.pid, 'SIGKILL');
    expect(await role.exited).toEqual({ kind: 'exited', code: 137 });
    await role.stop(0);
  });

  it('by its own handler when it is stopped, and is gone then', async () => {
    const { process, runId, log } = await bench().start(
      shell('trap "echo goodbye; exit 7" TERM; echo up; while :; do sleep 0.1; done'),
    );
    await printed(process, 'up');
    expect(await process.stop(20_000)).toEqual({ kind: 'exited', code: 7 });
    expect(log()).toContain('goodbye');
    expect(containersOf(await bench().executor().findLabelled(runId))).toEqual([]);
    expect(await process.stop(0)).toEqual({ kind: 'exited', code: 7 });
  });

  it('by force when it ignores the signal', async () => {
    const { process, runId } = await bench().start(shell('trap "" TERM; echo up; while :; do sleep 0.1; done'));
    await printed(process, 'up');
    expect(await process.stop(300)).toEqual({ kind: 'exited', code: 137 });
    expect(await bench().executor().findLabelled(runId)).toEqual([]);
  });

  it('as the engine says, though nobody hears it any more, and says so in its log', async () => {
    const {
      process: role,
      runId,
      containerId,
      log,
    } = await bench().start(shell('trap "exit 7" TERM; echo up; while :; do sleep 0.1; done'));
    await printed(role, 'up');
    const client = (await bench().executor().findLabelled(runId))?.flatMap((item) =>
      item.kind === 'process' && isClient(item.pid, containerId) ? [item.pid] : [],
    );
    for (const pid of client ?? []) process.kill(pid, 'SIGKILL');
    await printed(role, 'broke off');
    expect(role.exit()).toBeNull();
    expect(await role.stop(20_000)).toEqual({ kind: 'exited', code: 7 });
    expect(log()).toContain(`the log of container assay-${runId}-server.here broke off`);
  });

  it('is lost when somebody removes it', async () => {
    const { process, containerId } = await bench().start(shell('echo up; sleep 60'));
    await printed(process, 'up');
    await bench().client('rm', '--force', ...(runtime === 'podman' ? ['--time', '0'] : []), containerId);
    const exit = await process.exited;
    expect(exit).toMatchObject({ kind: 'lost', reason: expect.stringMatching(/no such/i) });
    expect(await process.stop(0)).toEqual(exit);
  });
}

function explainsRefusals(bench: () => Bench): void {
  const missing = { command: shell('true'), changes: {} };
  const cases = [
    {
      what: 'a program that is missing',
      ...missing,
      command: program('/bin/nope'),
      message: /\/bin\/nope/,
      hint: /127/,
    },
    { what: 'a folder as program', ...missing, command: program('/tmp'), message: /permission denied/, hint: /126/ },
    {
      what: 'a missing mount',
      ...missing,
      changes: { mounts: ['/no/where:/x'] },
      message: /\/no\/where/,
      hint: /mounts/,
    },
    {
      what: 'a missing device',
      ...missing,
      changes: { devices: ['/dev/kfd0'] },
      message: /\/dev\/kfd0/,
      hint: /devices/,
    },
    {
      what: 'a missing image',
      ...missing,
      changes: { image: 'nope:1' },
      message: /nope:1 is not on here/,
      hint: /pull/,
    },
  ];
  it.each(cases)('$what, and leaves nothing', async ({ command, changes, message, hint }) => {
    const runId = `refused-${Math.random()}`;
    await expect(bench().start(command, { runId }, changes)).rejects.toMatchObject({
      code: 'SETUP_FAILED',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
    expect(await bench().executor().findLabelled(runId)).toEqual([]);
  });

  it('a second container of the same role, and keeps the first', async () => {
    const { process, runId, containerId } = await bench().start(shell('sleep 60'));
    await expect(bench().start(shell('true'), { runId })).rejects.toMatchObject({
      message: expect.stringMatching(/already in use/),
      hint: expect.stringContaining('assay reap'),
    });
    expect(containersOf(await bench().executor().findLabelled(runId))).toEqual([containerId]);
    expect(process.exit()).toBeNull();
    await process.stop(0);
  });
}

function touchesOnlyOurs(bench: () => Bench): void {
  it('finds the containers and the processes of one run, and ends them', async () => {
    const mine = await bench().start(shell('sleep 60'));
    const other = await bench().start(shell('sleep 60'));
    const found = await bench().executor().findLabelled(mine.runId);
    expect(containersOf(found)).toEqual([mine.containerId]);
    expect(found).toContainEqual(expect.objectContaining({ kind: 'process', pid: mine.process.id.pid }));
    await bench()
      .executor()
      .end(found ?? []);
    await mine.process.exited;
    expect(await bench().executor().findLabelled(mine.runId)).toEqual([]);
    expect(other.process.exit()).toBeNull();
    await other.process.stop(0);
  });

  it('never ends a container without our label', async () => {
    const id = await bench().client('create', '--network=host', '--entrypoint=/bin/sleep', IMAGE, '60');
    await bench().client('start', id);
    await bench()
      .executor()
      .end([{ kind: 'container', id }]);
    expect(await bench().client('container', 'inspect', '--format', '{{.State.Running}}', id)).toBe('true');
  });
}

function program(file: string): Command {
  return { file, args: [] };
}

// What prints the container's output; the shell that started it names the container too.
function isClient(pid: number, containerId: string): boolean {
  const [file = '', ...args] = commandLine(String(pid)).split('\0');
  return /(docker|podman)$/.test(file) && args.includes(containerId);
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.tar'))
    .map((entry) => readFileSync(join(folder, entry.name), 'utf8'));
}
