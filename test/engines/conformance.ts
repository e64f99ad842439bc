import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { noSecrets } from '../../src/core/scrubber.ts';
import { SecretValue } from '../../src/core/secret.ts';
import type { Command, Executor, RunningProcess, StartOptions } from '../../src/exec/executor.ts';
import type { Exit } from '../../src/exec/exit.ts';

/** What differs between the executors that the suite is run against. */
export interface Conformance {
  /** Why it cannot run on this machine, for the name of the skipped suite; null when it can. */
  readonly missing?: string | null;
  /** Makes the executor, once for the whole suite; set up its engine here or in a `beforeAll` before. */
  open(): Promise<Executor>;
  /** Lets go of what `open` made; called also when `open` or a test failed. */
  close(): Promise<void>;
  /**
   * What `start` makes. With `container` a signal is a code (137), the label search must find the container
   * and may find client processes too, and the image must hold `/bin/sh` and `busybox`. `process` by default.
   */
  readonly kind?: 'process' | 'container';
  /** A folder of the host where files may be put; `/tmp` by default. */
  readonly folder?: string;
  /** What the value of a secret may hold besides letters; newlines too, by default. */
  readonly secretCharacters?: string;
  /** False where processes of the host cannot be measured from there. */
  readonly measuresUsage?: boolean;
  /** The process of this machine that the process of a run hangs on; left out where there is none. */
  clientOf?(runId: string): Promise<number> | number;
}

/** What every executor promises, as tests. Call it at the top of a test file, once for each way of making one. */
export function describeConformance(name: string, conformance: Conformance): void {
  const { missing = null } = conformance;
  const title = missing === null ? name : `${name} (skipped: ${missing})`;
  describe.skipIf(missing !== null)(title, () => {
    const suite = new Suite(conformance);
    beforeAll(() => suite.open());
    afterEach(() => suite.endAll());
    afterAll(() => suite.close());
    describe('run', () => describeRun(suite));
    describe('start', () => describeStart(suite));
    describe('stop', () => describeStop(suite));
    describe('labels', () => describeLabels(suite));
    describe('secrets', () => describeSecrets(suite));
    describe('host', () => describeHost(suite));
  });
}

/** A command that runs a script of the shell, which is on every host and in every image. */
export function shell(text: string, ...args: string[]): Command {
  return { file: '/bin/sh', args: ['-c', text, 'sh', ...args] };
}

/** Resolves when a process has printed a line. */
export async function printed(process: RunningProcess, line: string): Promise<void> {
  await expect.poll(() => process.tail(200), { timeout: 30_000 }).toContain(line);
}

/** The options of one start; each has a run of its own. */
export function startOptions(changes: Partial<StartOptions> = {}): StartOptions {
  return {
    runId: `conform-${randomBytes(6).toString('hex')}`,
    role: 'server',
    logFile: join(mkdtempSync(join(tmpdir(), 'conform-')), 'role.log'),
    scrubber: noSecrets,
    secrets: {},
    ...changes,
  };
}

const FOR_EVER = 'while :; do sleep 0.05; done';

class Suite {
  readonly conformance: Conformance;
  readonly kind: 'process' | 'container';
  readonly folder: string;
  readonly #started: RunningProcess[] = [];
  #executor: Executor | null = null;

  constructor(conformance: Conformance) {
    this.conformance = conformance;
    this.kind = conformance.kind ?? 'process';
    this.folder = conformance.folder ?? '/tmp';
  }

  get executor(): Executor {
    if (this.#executor === null) throw new Error('the executor is not open');
    return this.#executor;
  }

  async open(): Promise<void> {
    this.#executor = await this.conformance.open();
  }

  async close(): Promise<void> {
    await this.conformance.close();
  }

  /** Starts a process that the end of the test ends. */
  async start(command: Command, options: StartOptions = startOptions()): Promise<RunningProcess> {
    const started = await this.executor.start(command, options);
    this.#started.push(started);
    return started;
  }

  async endAll(): Promise<void> {
    await Promise.allSettled(this.#started.splice(0).map((started) => started.stop(0)));
  }

  /** How a process ends that a signal ends. */
  endOf(signal: 'SIGKILL' | 'SIGTERM'): Exit {
    if (this.kind === 'process') return { kind: 'signalled', signal };
    return expect.objectContaining({ kind: 'exited', code: signal === 'SIGKILL' ? 137 : 143 }) as Exit;
  }

  /** Polls until nothing carries the label of a run. */
  async nothingLeft(runId: string): Promise<void> {
    await expect.poll(() => this.executor.findLabelled(runId), { timeout: 30_000 }).toEqual([]);
  }
}

function describeRun(suite: Suite): void {
  it.each([0, 3, 127, 255])('passes on code %i', async (code) => {
    expect((await suite.executor.run(shell(`exit ${code}`))).exit).toEqual({ kind: 'exited', code });
  });

  it('tells a signal from a code', async () => {
    expect((await suite.executor.run(shell('kill -KILL $$'))).exit).toEqual({ kind: 'signalled', signal: 'SIGKILL' });
  });

  it('keeps the streams apart, whole and as they are', async () => {
    const finished = await suite.executor.run(shell('printf "out ä"; printf "err\\n\\n" >&2'));
    expect(finished).toEqual({ exit: { kind: 'exited', code: 0 }, stdout: 'out ä', stderr: 'err\n\n' });
  });

  it('passes input, arguments and environment', async () => {
    const word = `it's "a" \\ $HOME \`x\` *\n ü`;
    const input = `${randomBytes(500_000).toString('hex')}\n\n`;
    const command = { ...shell('printf "%s|%s|" "$1" "$WORD"; cat', word), env: { WORD: word } };
    const { stdout } = await suite.executor.run(command, { input });
    expect(stdout === `${word}|${word}|${input}`).toBe(true);
  });

  it('gives a command without input an empty stdin', async () => {
    expect((await suite.executor.run({ file: 'cat', args: [] })).exit).toEqual({ kind: 'exited', code: 0 });
  });

  it.each(['timeout', 'abort'])('ends a command on %s', async (by) => {
    const { runId } = startOptions();
    const abort = new AbortController();
    const command = { ...shell('exec sleep 600'), env: { ASSAY_RUN_ID: runId } };
    const running = suite.executor.run(command, by === 'timeout' ? { timeoutMs: 4000 } : { signal: abort.signal });
    const settled = running.then(
      ({ exit }) => exit,
      (thrown: unknown) => thrown,
    );
    await expect.poll(() => suite.executor.findLabelled(runId), { timeout: 4000 }).not.toEqual([]);
    if (by === 'abort') abort.abort(new Error('enough'));
    expect(await settled).toMatchObject(by === 'abort' ? { message: 'enough' } : { kind: 'lost' });
    await suite.nothingLeft(runId);
  });
}

// An image holds busybox and perhaps no node; this machine holds node and perhaps no busybox.
const LISTEN = `echo listening
command -v busybox >/dev/null && exec busybox httpd -f -p "$1:$2" -h /
exec node -e 'require("node:http").createServer((_, answer) => answer.end()).listen(process.argv[1], process.argv[2])' "$2" "$3"`;

function describeStart(suite: Suite): void {
  it('starts two roles at once that listen on the address of the host', async () => {
    const { address } = suite.executor;
    const runId = startOptions().runId;
    const [first, second] = [20_000, 26_000].map((base) => base + Math.floor(Math.random() * 6000));
    const listen = (port: number | undefined): Command => shell(LISTEN, bracketed(address), String(port), address);
    const roles = await Promise.all([
      suite.start(listen(first), startOptions({ runId, role: 'prefill' })),
      suite.start(listen(second), startOptions({ runId, role: 'decode' })),
    ]);
    for (const role of roles) await printed(role, 'listening');
    for (const port of [first, second]) {
      const answers = (): Promise<boolean> =>
        fetch(`http://${bracketed(address)}:${port}/`).then(
          () => true,
          () => false,
        );
      await expect.poll(answers, { timeout: 20_000 }).toBe(true);
    }
    expect(roles.map((role) => role.exit())).toEqual([null, null]);
    expect(new Set(roles.map(({ id }) => JSON.stringify(id))).size).toBe(2);
    expect(roles.map(({ id }) => id.kind)).toEqual([suite.kind, suite.kind]);
  });

  it('streams lines in order while the process runs', async () => {
    const options = startOptions();
    const count = 'i=0; while [ $i -lt 500 ]; do echo "line $i"; i=$((i + 1)); done';
    const started = await suite.start(shell(`sleep 0.3; ${count}; echo said; ${FOR_EVER}`), options);
    const lines: string[] = [];
    started.onLine((line) => lines.push(line));
    await printed(started, 'said');
    expect(started.exit()).toBeNull();
    const expected = [...Array.from({ length: 500 }, (_, index) => `line ${index}`), 'said'];
    expect(lines).toEqual(expected);
    expect(started.tail(2)).toEqual(['line 499', 'said']);
    await started.stop(0);
    expect(readFileSync(options.logFile, 'utf8')).toBe(`${expected.join('\n')}\n`);
    expect(started.logError()).toBeNull();
  });

  it('writes both streams to the log, to the last piece', async () => {
    const options = startOptions();
    const started = await suite.start(shell('echo out; echo err >&2; printf last'), options);
    expect(await started.exited).toEqual({ kind: 'exited', code: 0 });
    const log = readFileSync(options.logFile, 'utf8');
    expect(log.replace('err\n', '')).toBe('out\nlast');
    expect(log).toContain('err\n');
  });

  it.each([0, 3, 255])('passes on code %i', async (code) => {
    const started = await suite.start(shell(`exit ${code}`));
    expect(await started.exited).toEqual({ kind: 'exited', code });
    expect(started.exit()).toEqual({ kind: 'exited', code });
  });

  // The first process of a container cannot kill itself.
  it.skipIf(suite.kind === 'container')('passes on a signal', async () => {
    const started = await suite.start(shell('kill -KILL $$'));
    expect(await started.exited).toEqual({ kind: 'signalled', signal: 'SIGKILL' });
  });

  // In a container nothing outlives the first process.
  it.skipIf(suite.kind === 'container')('sees that a process is gone though a child holds its output', async () => {
    const options = startOptions();
    const started = await suite.start(shell('sleep 600 & printf last; printf last >&2; exit 4'), options);
    expect(await started.exited).toEqual({ kind: 'exited', code: 4 });
    expect(readFileSync(options.logFile, 'utf8')).toBe('lastlast');
    expect(await suite.executor.findLabelled(options.runId)).toHaveLength(1);
    await started.stop(0);
    await suite.nothingLeft(options.runId);
  });

  it('gives the process the environment of its command', async () => {
    const started = await suite.start({ ...shell('echo "$WHO"'), env: { WHO: "it's me" } });
    await started.exited;
    expect(started.tail(1)).toEqual(["it's me"]);
  });

  it('says which program is not there', async () => {
    await expect(suite.start({ file: '/no/such/program', args: [] })).rejects.toMatchObject({
      code: 'SETUP_FAILED',
      message: expect.stringContaining('/no/such/program'),
    });
  });

  it('sends its output to another file from then on', async () => {
    const [first, second] = [startOptions(), startOptions()];
    const started = await suite.start(shell('i=0; while :; do echo "$i"; i=$((i + 1)); sleep 0.05; done'), first);
    await printed(started, '3');
    await started.redirect(second.logFile);
    const [seen] = started.tail(1);
    await printed(started, String(Number(seen) + 3));
    await started.stop(0);
    const [earlier, later] = [first, second].map(({ logFile }) =>
      readFileSync(logFile, 'utf8').trim().split('\n').map(Number),
    );
    expect(earlier?.length).toBeGreaterThan(3);
    expect(later?.length).toBeGreaterThan(2);
    expect([...earlier!, ...later!]).toEqual(
      Array.from({ length: earlier!.length + later!.length }, (_, index) => index),
    );
  });

  it('measures what the process uses', async ({ skip }) => {
    if (suite.conformance.measuresUsage === false) skip('it cannot be measured from there');
    const started = await suite.start(
      shell(`i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done; echo worked; ${FOR_EVER}`),
    );
    await printed(started, 'worked');
    const { cpuSeconds, peakRssBytes } = await started.usage();
    expect(cpuSeconds).toBeGreaterThan(0.02);
    expect(peakRssBytes).toBeGreaterThan(100_000);
    await started.stop(0);
    expect(await started.usage()).toEqual({ cpuSeconds: null, peakRssBytes: null });
  });

  it.skipIf(suite.conformance.clientOf === undefined)(
    'loses and ends the process when its client is killed',
    async () => {
      const options = startOptions();
      const started = await suite.start(shell(`echo up; ${FOR_EVER}`), options);
      await printed(started, 'up');
      process.kill((await suite.conformance.clientOf?.(options.runId)) ?? 0, 'SIGKILL');
      expect(await started.exited).toMatchObject({ kind: 'lost' });
      await suite.nothingLeft(options.runId);
      expect(await started.stop(0)).toMatchObject({ kind: 'lost' });
    },
  );
}

function describeStop(suite: Suite): void {
  it('lets a process end by itself', async () => {
    const started = await suite.start(shell(`trap 'echo drained; exit 7' TERM; echo up; ${FOR_EVER}`));
    await printed(started, 'up');
    expect(await started.stop(30_000)).toEqual({ kind: 'exited', code: 7 });
    expect(started.tail(1)).toEqual(['drained']);
    expect(await started.stop(0)).toEqual({ kind: 'exited', code: 7 });
  });

  it('kills what does not listen, and its children', async () => {
    const options = startOptions();
    const started = await suite.start(shell(`trap '' TERM; sleep 600 & echo up; ${FOR_EVER}`), options);
    await printed(started, 'up');
    expect(await started.stop(300)).toEqual(suite.endOf('SIGKILL'));
    await suite.nothingLeft(options.runId);
  });

  it('ends the children of a process that ended', async () => {
    const options = startOptions();
    const started = await suite.start(
      shell("trap 'exit 0' TERM; sh -c 'trap \"\" TERM; sleep 600' & echo up; while :; do sleep 0.05; done"),
      options,
    );
    await printed(started, 'up');
    expect(await started.stop(30_000)).toEqual({ kind: 'exited', code: 0 });
    await suite.nothingLeft(options.runId);
  });
}

function describeLabels(suite: Suite): void {
  it('finds all of one run and nothing of another', async () => {
    const [mine, other] = [startOptions(), startOptions()];
    const started = await suite.start(shell(`sleep 600 & echo "child $!"; ${FOR_EVER}`), mine);
    const stranger = await suite.start(shell(FOR_EVER), other);
    await expect.poll(() => started.tail(1)[0]).toMatch(/^child \d+$/);
    const found = (await suite.executor.findLabelled(mine.runId)) ?? [];
    if (started.id.kind === 'container') {
      const containers = found.flatMap((item) => (item.kind === 'container' ? [item.id] : []));
      expect(containers).toEqual([started.id.id]);
      return;
    }
    const session = started.id.pid;
    const pids = found.flatMap((item) => (item.kind === 'process' && item.session === session ? [item.pid] : []));
    expect(pids).toHaveLength(found.length);
    expect(pids).toContain(session);
    expect(pids).toContain(Number(started.tail(1)[0]?.split(' ')[1]));
    expect(found).not.toContainEqual(expect.objectContaining({ pid: stranger.id.pid }));
    expect(await suite.executor.findLabelled(`${mine.runId}x`)).toEqual([]);
    expect(await suite.executor.findLabelled(mine.runId.slice(0, -1))).toEqual([]);
  });

  it('ends what was found, and nothing else', async () => {
    const [mine, other] = [startOptions(), startOptions()];
    const started = await suite.start(shell(`trap '' TERM; sleep 600 & echo up; ${FOR_EVER}`), mine);
    const stranger = await suite.start(shell(`echo up; ${FOR_EVER}`), other);
    for (const process of [started, stranger]) await printed(process, 'up');
    await suite.executor.end((await suite.executor.findLabelled(mine.runId)) ?? []);
    await started.exited;
    await suite.nothingLeft(mine.runId);
    expect(stranger.exit()).toBeNull();
    await suite.executor.end([]);
  });
}

function describeSecrets(suite: Suite): void {
  it('reach the process, but no argument of any process and no file', async () => {
    const mark = randomBytes(16).toString('hex');
    const value = `${mark} ${suite.conformance.secretCharacters ?? `it's "q" $HOME \`x\` \\ ü\nline`}`;
    const since = join(suite.folder, `since-${mark}`.slice(0, 14));
    await suite.executor.run({ file: 'touch', args: [since] });
    const started = await suite.start(
      shell(`printf %s "$HF_TOKEN" | sha256sum; echo up; ${FOR_EVER}`),
      startOptions({ secrets: { HF_TOKEN: new SecretValue('hf_token', value) } }),
    );
    await printed(started, 'up');
    expect(started.tail(2)[0]).toContain(createHash('sha256').update(value).digest('hex'));
    // The search gets what it looks for through its stdin, so that it does not find itself.
    const search = shell(
      'cat >"$1.mark"; grep -laF -f "$1.mark" /proc/[0-9]*/cmdline 2>/dev/null; rm "$1.mark"',
      since,
    );
    expect((await suite.executor.run(search, { input: mark })).stdout).toBe('');
    const files = shell(
      'find "$2" /dev/shm -maxdepth 3 -type f -size -64k -newer "$1" 2>/dev/null | while read -r f; do grep -qF "$(printf "%s%s" "$3" "$4")" "$f" 2>/dev/null && echo "$f"; done; rm -f "$1"',
      since,
      suite.folder,
      mark.slice(0, 16),
      mark.slice(16),
    );
    expect((await suite.executor.run(files)).stdout).toBe('');
  });
}

function describeHost(suite: Suite): void {
  it('copies any bytes there and back', async () => {
    const place = mkdtempSync(join(tmpdir(), 'conform-'));
    const bytes = randomBytes(2_000_000);
    writeFileSync(join(place, 'there'), bytes);
    const there = join(suite.folder, `it's ${randomBytes(4).toString('hex')}`);
    await suite.executor.copyIn(join(place, 'there'), there);
    const { stdout } = await suite.executor.run({ file: 'sha256sum', args: ['--', there] });
    expect(stdout).toContain(createHash('sha256').update(bytes).digest('hex'));
    await suite.executor.copyOut(there, join(place, 'back'));
    expect(readFileSync(join(place, 'back')).equals(bytes)).toBe(true);
    await suite.executor.run({ file: 'rm', args: [there] });
    await expect(suite.executor.copyOut(there, join(place, 'none'))).rejects.toMatchObject({
      code: 'EVIDENCE_MISSING',
    });
    await expect(suite.executor.copyIn(join(place, 'none'), there)).rejects.toMatchObject({ code: 'SETUP_FAILED' });
  });

  it('says what the host is', async () => {
    const facts = await suite.executor.fingerprint();
    const uname = async (flag: string): Promise<string> =>
      (await suite.executor.run({ file: 'uname', args: [flag] })).stdout.trim();
    expect(facts).toMatchObject({ hostname: await uname('-n'), kernel: await uname('-r') });
    expect([facts.os, facts.arch]).not.toContain('');
    expect(facts.cpu_count).toBeGreaterThan(0);
    expect(facts.memory_bytes).toBeGreaterThan(2 ** 28);
  });
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
