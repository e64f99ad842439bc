import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { noSecrets } from '../../../src/core/scrubber.ts';
import { SecretValue } from '../../../src/core/secret.ts';
import type { RunningProcess } from '../../../src/exec/executor.ts';
import type { Exit } from '../../../src/exec/exit.ts';
import { localExecutor } from '../../../src/exec/local.ts';

const executor = localExecutor('localhost');
const node = (program: string, env: Readonly<Record<string, string>> = {}) => ({
  file: process.execPath,
  args: ['-e', program],
  env,
});
let counter = 0;
const options = () => ({
  runId: `test-${process.pid}-${counter++}`,
  role: 'server',
  scrubber: noSecrets,
  secrets: {},
  logFile: join(mkdtempSync(join(tmpdir(), 'assay-exec-')), 'role.log'),
});

const ended = (code: number): Exit => ({ kind: 'exited', code });
const killed = (signal: string): Exit => ({ kind: 'signalled', signal });
const own = ({ id: { pid } }: RunningProcess) => ({ kind: 'process', pid, session: pid }) as const;

describe('localExecutor', () => {
  it('keeps both streams in the log and in the tail, whole lines only', async () => {
    const where = options();
    const lines: string[] = [];
    const started = await executor.start(
      node(
        'process.stdout.write("par"); setTimeout(() => { console.log("tial"); console.error(process.env.WHO); process.stdout.write("end") }, 50)',
        { WHO: 'me' },
      ),
      where,
    );
    started.onLine((line) => lines.push(line));
    expect(await started.exited).toEqual(ended(0));
    expect(started.exit()).toEqual(ended(0));
    expect(lines.toSorted()).toEqual(['end', 'me', 'partial']);
    expect([...started.tail(9)].toSorted()).toEqual(['end', 'me', 'partial']);
    expect(readFileSync(where.logFile, 'utf8')).toMatch(/^par(tial|me)/);
  });

  it('says which program cannot be started', async () => {
    await expect(executor.start({ file: 'no-such-program', args: [] }, options())).rejects.toMatchObject({
      code: 'SETUP_FAILED',
      message: expect.stringContaining('no-such-program could not be started'),
      hint: 'install it, or correct the PATH',
    });
  });

  it('lets a process drain on stop', async () => {
    const started = await executor.start(
      node(
        'process.on("SIGTERM", () => { console.log("drained"); process.exit(0) }); console.log("up"); setInterval(() => {}, 1000)',
      ),
      options(),
    );
    await new Promise<void>((up) => started.onLine(() => up()));
    expect(await started.stop(10_000)).toEqual(ended(0));
    expect(started.tail(1)).toEqual(['drained']);
  });

  it('kills what does not listen, its children too', async () => {
    const where = options();
    const child = 'setInterval(() => {}, 1000)';
    const stubborn = `process.on("SIGTERM", () => {}); require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(child)}]).once("spawn", () => console.log("up")); setInterval(() => {}, 1000)`;
    const started = await executor.start(node(stubborn), where);
    await new Promise<void>((up) => started.onLine(() => up()));
    expect(await executor.findLabelled(where.runId)).toHaveLength(2);
    expect(await started.stop(50)).toEqual(killed('SIGKILL'));
    await expect.poll(() => executor.findLabelled(where.runId)).toEqual([]);
  });

  // A child that keeps the pipes of its parent open; `detached` puts it out of reach of the group.
  const holder = (detached: boolean): string =>
    `require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { detached: ${detached}, stdio: "inherit" }).once("spawn", () => console.log("up"));`;

  it('sees that a process is gone though a child holds its output', async () => {
    const where = options();
    const started = await executor.start(
      node(`${holder(false)} setTimeout(() => { process.stdout.write("last"); process.exit(4) }, 100)`),
      where,
    );
    await expect.poll(() => started.exit()).toEqual(ended(4));
    expect(await started.exited).toEqual(ended(4));
    expect(started.tail(2)).toEqual(['up', 'last']);
    expect(readFileSync(where.logFile, 'utf8')).toBe('up\nlast');
    expect(await started.stop(10_000)).toEqual(ended(4));
    await expect.poll(() => executor.findLabelled(where.runId)).toEqual([]);
  });

  it('stops a process whose descendant left the group with its output', async () => {
    const where = options();
    const started = await executor.start(node(`${holder(true)} setInterval(() => {}, 1000)`), where);
    await new Promise<void>((up) => started.onLine(() => up()));
    expect(await started.stop(10_000)).toEqual(killed('SIGTERM'));
    const left = await executor.findLabelled(where.runId);
    expect(left).toHaveLength(1);
    await executor.end(left ?? []);
    await expect.poll(() => executor.findLabelled(where.runId)).toEqual([]);
  });

  it.runIf(existsSync('/dev/full'))('hears a process whose log cannot be written, and says so', async () => {
    const program = 'console.log("first"); setTimeout(() => console.log("second"), 200)';
    const started = await executor.start(node(program), { ...options(), logFile: '/dev/full' });
    expect(await started.exited).toEqual(ended(0));
    expect(started.tail(2)).toEqual(['first', 'second']);
    expect(started.logError()).toMatchObject({ code: 'ENOSPC' });
  });

  it('finds the processes of one run and of no other', async () => {
    const [mine, other] = [options(), options()];
    const processes = [
      await executor.start(node('setInterval(() => {}, 1000)'), mine),
      await executor.start(node('setInterval(() => {}, 1000)'), other),
    ];
    expect(await executor.findLabelled(mine.runId)).toEqual([own(processes[0]!)]);
    await executor.end([own(processes[0]!)]);
    await processes[0]!.exited;
    expect(await executor.findLabelled(other.runId)).toEqual([own(processes[1]!)]);
    await processes[1]!.stop(1000);
  });

  it('measures what a process has used', async () => {
    const started = await executor.start(
      node(
        'const end = Date.now() + 300; while (Date.now() < end); console.log("worked"); setInterval(() => {}, 1000)',
      ),
      options(),
    );
    await new Promise<void>((worked) => started.onLine(() => worked()));
    const { cpuSeconds, peakRssBytes } = await started.usage();
    expect(cpuSeconds).toBeGreaterThan(0.05);
    expect(peakRssBytes).toBeGreaterThan(10 * 2 ** 20);
    await started.stop(1000);
    expect(await started.usage()).toEqual({ cpuSeconds: null, peakRssBytes: null });
  });

  it('gives secrets to the process, and keeps them from its log and its listeners', async () => {
    const scrub = (text: string): string => text.replaceAll('hunter2', '***');
    const scrubber = { scrub, stream: () => ({ push: scrub, end: () => '' }) };
    const where = { ...options(), scrubber, secrets: { TOKEN: new SecretValue('token', 'hunter2') } };
    const started = await executor.start(node('console.log(process.env.TOKEN)'), where);
    await started.exited;
    expect(started.tail(1)).toEqual(['***']);
    expect(readFileSync(where.logFile, 'utf8')).toBe('***\n');
  });

  it('sends its output to another file from then on', async () => {
    const [first, second] = [options(), options()];
    const started = await executor.start(
      node(
        'process.on("SIGTERM", () => { console.log("two"); process.exit() }); console.log("one"); setInterval(() => {}, 1000)',
      ),
      first,
    );
    await expect.poll(() => started.tail(1)).toEqual(['one']);
    await started.redirect(second.logFile);
    await started.stop(10_000);
    expect([first, second].map(({ logFile }) => readFileSync(logFile, 'utf8'))).toEqual(['one\n', 'two\n']);
  });

  it('leaves the file as it is while its output goes to none', async () => {
    const where = options();
    const started = await executor.start(
      node(
        'process.on("SIGTERM", () => { console.log("two"); process.exit() }); console.log("one"); setInterval(() => {}, 1000)',
      ),
      where,
    );
    await expect.poll(() => started.tail(1)).toEqual(['one']);
    await started.redirect(null);
    await started.stop(10_000);
    expect(started.tail(1)).toEqual(['two']);
    expect(started.logError()).toBe(null);
    expect(readFileSync(where.logFile, 'utf8')).toBe('one\n');
  });
});

describe('localExecutor.run', () => {
  it('tells codes, signals and what never ran from one another', async () => {
    expect((await executor.run(node('process.exit(255)'))).exit).toEqual(ended(255));
    expect((await executor.run(node('process.kill(process.pid, "SIGKILL")'))).exit).toEqual(killed('SIGKILL'));
    expect((await executor.run({ file: 'no-such-program', args: [] })).exit).toEqual({
      kind: 'lost',
      reason: expect.stringMatching(/^no-such-program could not be started: .*ENOENT/),
    });
    expect((await executor.run(node('setInterval(() => {}, 1000)'), { timeoutMs: 300 })).exit).toEqual({
      kind: 'lost',
      reason: `${process.execPath} gave no answer within 0.3 s`,
    });
  });

  it('passes input, and both streams apart', async () => {
    const program =
      'process.stdin.on("data", (d) => process.stdout.write(d + "!")).on("end", () => process.stderr.write("end\\n"))';
    expect(await executor.run(node(program), { input: 'in' })).toEqual({
      exit: ended(0),
      stdout: 'in!',
      stderr: 'end\n',
    });
  });

  it('rejects when it is aborted', async () => {
    const abort = new AbortController();
    const running = executor.run(node('setInterval(() => {}, 1000)'), { signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    await expect(executor.run(node(''), { signal: abort.signal })).rejects.toThrow('enough');
  });
});

describe('localExecutor copies', () => {
  it('says which file is missing, as a matter of setting up or of evidence', async () => {
    const to = join(mkdtempSync(join(tmpdir(), 'assay-exec-')), 'to');
    await expect(executor.copyIn('/no/such', to)).rejects.toMatchObject({ code: 'SETUP_FAILED' });
    await expect(executor.copyOut('/no/such', to)).rejects.toMatchObject({ code: 'EVIDENCE_MISSING' });
    await executor.copyIn('/no/such', '/no/such');
  });
});
