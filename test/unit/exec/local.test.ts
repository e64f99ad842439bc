import { mkdtempSync, readFileSync } from 'node:fs';
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
