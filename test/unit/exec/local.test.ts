import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
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
  logFile: join(mkdtempSync(join(tmpdir(), 'assay-exec-')), 'role.log'),
});

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
    expect(await started.exited).toEqual({ code: 0, signal: null });
    expect(started.exit()).toEqual({ code: 0, signal: null });
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
    expect(await started.stop(10_000)).toEqual({ code: 0, signal: null });
    expect(started.tail(1)).toEqual(['drained']);
  });

  it('kills what does not listen, its children too', async () => {
    const where = options();
    const child = 'setInterval(() => {}, 1000)';
    const stubborn = `process.on("SIGTERM", () => {}); require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(child)}]).once("spawn", () => console.log("up")); setInterval(() => {}, 1000)`;
    const started = await executor.start(node(stubborn), where);
    await new Promise<void>((up) => started.onLine(() => up()));
    expect(await executor.findLabelled(where.runId)).toHaveLength(2);
    expect(await started.stop(50)).toEqual({ code: null, signal: 'SIGKILL' });
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
    await expect.poll(() => started.exit(), { timeout: 5000 }).toEqual({ code: 4, signal: null });
    expect(await started.exited).toEqual({ code: 4, signal: null });
    expect(started.tail(2)).toEqual(['up', 'last']);
    expect(readFileSync(where.logFile, 'utf8')).toBe('up\nlast');
    expect(await started.stop(10_000)).toEqual({ code: 4, signal: null });
    await expect.poll(() => executor.findLabelled(where.runId)).toEqual([]);
  });

  it('stops a process whose descendant left the group with its output', async () => {
    const where = options();
    const started = await executor.start(node(`${holder(true)} setInterval(() => {}, 1000)`), where);
    await new Promise<void>((up) => started.onLine(() => up()));
    expect(await started.stop(10_000)).toEqual({ code: null, signal: 'SIGTERM' });
    const left = await executor.findLabelled(where.runId);
    expect(left).toHaveLength(1);
    executor.kill(left ?? []);
    await expect.poll(() => executor.findLabelled(where.runId)).toEqual([]);
  });

  it.runIf(existsSync('/dev/full'))('hears a process whose log cannot be written, and says so', async () => {
    const program = 'console.log("first"); setTimeout(() => console.log("second"), 200)';
    const started = await executor.start(node(program), { ...options(), logFile: '/dev/full' });
    expect(await started.exited).toEqual({ code: 0, signal: null });
    expect(started.tail(2)).toEqual(['first', 'second']);
    expect(started.logError()).toMatchObject({ code: 'ENOSPC' });
  });

  it('finds the processes of one run and of no other', async () => {
    const [mine, other] = [options(), options()];
    const processes = [
      await executor.start(node('setInterval(() => {}, 1000)'), mine),
      await executor.start(node('setInterval(() => {}, 1000)'), other),
    ];
    expect(await executor.findLabelled(mine.runId)).toEqual([processes[0]!.pid]);
    executor.kill([processes[0]!.pid]);
    await processes[0]!.exited;
    expect(await executor.findLabelled(other.runId)).toEqual([processes[1]!.pid]);
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
    const { cpuSeconds, peakRssBytes } = started.usage();
    expect(cpuSeconds).toBeGreaterThan(0.05);
    expect(peakRssBytes).toBeGreaterThan(10 * 2 ** 20);
    await started.stop(1000);
    expect(started.usage()).toEqual({ cpuSeconds: null, peakRssBytes: null });
  });
});
