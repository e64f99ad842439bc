import { existsSync, mkdtempSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noSecrets } from '../../../src/core/scrubber.ts';
import type { Scrubber } from '../../../src/core/scrubber.ts';
import { SecretValue } from '../../../src/core/secret.ts';
import type { Carrier } from '../../../src/exec/carrier.ts';
import type { RunningProcess } from '../../../src/exec/executor.ts';
import { describeExit } from '../../../src/exec/exit.ts';
import { remoteExecutor } from '../../../src/exec/remote.ts';

// rc files print noise to both streams, and may leave a line without an end.
const NOISE = 'echo motd; echo pyenv: cannot rehash >&2; printf prompt; printf noise >&2; ';

const carrier = (shell: readonly string[], before = ''): Carrier => ({
  host: 'h1',
  address: '127.0.0.1',
  carry: (script) => ({ file: shell[0]!, args: [...shell.slice(1), '-c', `${before}${script}`] }),
  explain: (exit, stderr) => `the way ${describeExit(exit)}: ${stderr.trim()}`,
});
const sh = remoteExecutor(carrier(['/bin/sh'], NOISE));
const script = (text: string, ...args: string[]) => ({ file: '/bin/sh', args: ['-c', text, 'sh', ...args] });

const SHELLS = [['dash'], ['bash'], ['busybox', 'sh']].filter(([name]) => existsSync(`/usr/bin/${name}`));

let counter = 0;
const folder = (): string => mkdtempSync(join(tmpdir(), 'assay-remote-'));
const options = (secrets: Readonly<Record<string, SecretValue>> = {}, scrubber: Scrubber = noSecrets) => ({
  runId: `remote-${process.pid}-${counter++}`,
  role: 'server',
  logFile: join(folder(), 'role.log'),
  scrubber,
  secrets,
});
// The client is the one whose script names the run; what it started there has the label in its environment.
const clientOf = (runId: string): number =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((pid) => commandLine(pid).includes(`ASSAY_RUN_ID=${runId}`) && parentOf(pid) === process.pid)!;
const parentOf = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[1]);
const commandLine = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
};
const heard = async (process: RunningProcess, line: string): Promise<void> =>
  expect.poll(() => process.tail(99), { timeout: 10_000 }).toContain(line);
const isAlive = (pid: number): boolean =>
  existsSync(`/proc/${pid}`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));

describe.each(SHELLS)('remoteExecutor over %s', (...shell) => {
  const executor = remoteExecutor(carrier(shell, NOISE));

  it('tells codes and signals from one another', async () => {
    for (const code of [0, 3, 127, 255]) {
      expect((await executor.run(script(`exit ${code}`))).exit).toEqual({ kind: 'exited', code });
    }
    expect((await executor.run(script('kill -KILL $$'))).exit).toEqual({ kind: 'signalled', signal: 'SIGKILL' });
    expect((await executor.run(script('kill -SEGV $$'))).exit).toEqual({ kind: 'signalled', signal: 'SIGSEGV' });
  });

  it('keeps the streams apart and as they are, with or without a newline at their ends', async () => {
    expect(await executor.run(script('printf "out"; printf "err\\n\\n" >&2'))).toMatchObject({
      stdout: 'out',
      stderr: 'err\n\n',
    });
    expect(await executor.run(script(':'))).toMatchObject({ stdout: '', stderr: '' });
  });

  it('passes arguments and environment as they are', async () => {
    const word = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom("'", '"', '\\', '$', '`', '\n', ' ', '*', '~', '-', '=', 'ä') }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 4 }), word, async (args, value) => {
        fc.pre([...args, value].every((text) => !text.includes('\0')));
        const command = { ...script('printf "%s\\0" "$VALUE" "$@"', ...args), env: { VALUE: value } };
        expect((await executor.run(command)).stdout).toBe([value, ...args].map((text) => `${text}\0`).join(''));
      }),
      { numRuns: 30 },
    );
  }, 120_000);

  it('passes a megabyte there and back', async () => {
    const input = `${randomBytes(500_000).toString('hex')}\0ä\n\n`;
    const { stdout, exit } = await executor.run({ file: 'cat', args: [] }, { input });
    expect(exit).toEqual({ kind: 'exited', code: 0 });
    expect(stdout === input).toBe(true);
  });

  it('gives secrets with any characters to the process, and to nobody else', async () => {
    const value = `it's "$HOME" \`x\` \\ \n ü end\n`;
    const where = options({ HF_TOKEN: new SecretValue('hf_token', value) });
    const started = await executor.start(script('printf "%s|" "$HF_TOKEN"; exec sleep 600'), where);
    await expect.poll(() => readFileSync(where.logFile, 'utf8')).toBe(`${value}|`);
    const commandLines = readdirSync('/proc').map((name) => commandLine(Number(name)));
    expect(commandLines.filter((line) => line.includes(`it's "$HOME"`))).toEqual([]);
    expect(await started.stop(10_000)).toEqual({ kind: 'signalled', signal: 'SIGTERM' });
  });

  it('lets a process end by itself, and kills what does not listen, its children too', async () => {
    const listening = await executor.start(
      script('trap "echo drained; exit 7" TERM; echo up; while :; do sleep 0.05; done'),
      options(),
    );
    await heard(listening, 'up');
    expect(await listening.stop(10_000)).toEqual({ kind: 'exited', code: 7 });
    expect(listening.tail(1)).toEqual(['drained']);
    const where = options();
    const deaf = await executor.start(script('trap "" TERM; sleep 600 & echo up; while :; do sleep 0.05; done'), where);
    await heard(deaf, 'up');
    expect(await deaf.stop(200)).toEqual({ kind: 'signalled', signal: 'SIGKILL' });
    await expect.poll(() => executor.findLabelled(where.runId)).toEqual([]);
  });
});

describe('remoteExecutor.run', () => {
  it('does not take the end of the way for the end of the command', async () => {
    const broken = remoteExecutor({
      ...carrier(['/bin/sh']),
      carry: () => ({ file: '/bin/sh', args: ['-c', 'echo gone >&2; exit 255'] }),
    });
    expect(await broken.run(script('exit 0'))).toEqual({
      exit: { kind: 'lost', reason: 'the way ended with code 255: gone' },
      stdout: '',
      stderr: 'gone\n',
    });
  });

  it('is lost when the way breaks off in the middle', async () => {
    const { exit, stdout } = await sh.run(script('echo some; kill -KILL $(($(ps -o ppid= -p $$))); sleep 600'));
    expect(exit).toMatchObject({ kind: 'lost', reason: expect.stringContaining('SIGKILL') });
    expect(stdout).toBe('some\n');
  });

  it('says which program is not there', async () => {
    for (const file of ['no-such-program', '/no/such', tmpdir()]) {
      expect((await sh.run({ file, args: [] })).exit).toEqual({
        kind: 'lost',
        reason: `${file} could not be started: it is not there`,
      });
    }
  });

  it('finds the program by the PATH that it is given', async () => {
    const place = folder();
    writeFileSync(join(place, 'mine'), '#!/bin/sh\necho mine', { mode: 0o755 });
    const env = { PATH: `${place}:${process.env['PATH']}` };
    expect((await sh.run({ file: 'mine', args: [], env })).stdout).toBe('mine\n');
  });

  it.each(['timeout', 'abort'])('ends the command on %s', async (by) => {
    const file = join(folder(), 'pid');
    const abort = new AbortController();
    const command = script('echo $$ >"$1.part"; mv "$1.part" "$1"; exec sleep 600', file);
    const running = sh.run(command, by === 'timeout' ? { timeoutMs: 1500 } : { signal: abort.signal });
    const settled = running.then(
      ({ exit }) => exit,
      (thrown: unknown) => thrown,
    );
    await expect.poll(() => existsSync(file)).toBe(true);
    if (by === 'abort') abort.abort(new Error('stop it'));
    expect(await settled).toEqual(
      by === 'abort' ? new Error('stop it') : { kind: 'lost', reason: '/bin/sh gave no answer within 1.5 s' },
    );
    await expect.poll(() => isAlive(Number(readFileSync(file, 'utf8')))).toBe(false);
  });

  it('does not start when it is aborted already', async () => {
    await expect(sh.run(script(':'), { signal: AbortSignal.abort(new Error('early')) })).rejects.toThrow('early');
  });

  it('keeps what only looks like a report', async () => {
    const said = 'assay-0123 exit 3\nassay-';
    expect((await sh.run(script('printf "%s" "$1"', said))).stdout).toBe(said);
  });
});

describe('remoteExecutor.start', () => {
  it('hears everything from the first line on, without noise and reports', async () => {
    const where = options();
    const started = await sh.start(script('echo first; printf "last assay-"; exit 4'), where);
    const lines: string[] = [];
    started.onLine((line) => lines.push(line));
    expect(await started.exited).toEqual({ kind: 'exited', code: 4 });
    expect(lines).toEqual(['first', 'last assay-']);
    expect(started.tail(9)).toEqual(lines);
    expect(readFileSync(where.logFile, 'utf8')).toBe('first\nlast assay-');
  });

  it('scrubs what it hears', async () => {
    const scrub = (text: string): string => text.replaceAll('hunter2', '***');
    const where = options({}, { scrub, stream: () => ({ push: scrub, end: () => '' }) });
    const started = await sh.start(script('echo hunter2'), where);
    await started.exited;
    expect(started.tail(1)).toEqual(['***']);
  });

  it('says which program cannot be started, and how', async () => {
    await expect(sh.start({ file: 'no-such-program', args: [] }, options())).rejects.toMatchObject({
      code: 'SETUP_FAILED',
      message: 'no-such-program could not be started on h1: it is not there',
    });
    const broken = remoteExecutor({
      ...carrier(['/bin/sh']),
      carry: () => ({ file: '/bin/sh', args: ['-c', 'echo denied >&2; exit 255'] }),
    });
    await expect(broken.start(script(':'), options())).rejects.toMatchObject({
      code: 'SETUP_FAILED',
      message: '/bin/sh could not be started on h1: the way ended with code 255: denied\n'.trim(),
    });
    const absent = remoteExecutor(carrier(['/no/such/client']));
    await expect(absent.start(script(':'), options())).rejects.toMatchObject({
      code: 'SETUP_FAILED',
      message: expect.stringContaining('ENOENT'),
    });
  });

  it('is over when the process is, though a child holds its output', async () => {
    const where = options();
    const started = await sh.start(script('sleep 600 & printf last; exit 4'), where);
    expect(await started.exited).toEqual({ kind: 'exited', code: 4 });
    expect(readFileSync(where.logFile, 'utf8')).toBe('last');
    expect(await sh.findLabelled(where.runId)).toHaveLength(1);
    await started.stop(100);
    await expect.poll(() => sh.findLabelled(where.runId)).toEqual([]);
  });

  it('is lost, and ended there, when the client is killed', async () => {
    const where = options();
    const started = await sh.start(script('echo up; exec sleep 600'), where);
    process.kill(clientOf(where.runId), 'SIGKILL');
    expect(await started.exited).toEqual({ kind: 'lost', reason: expect.stringContaining('SIGKILL') });
    expect(started.exit()).toMatchObject({ kind: 'lost' });
    await expect.poll(() => sh.findLabelled(where.runId)).toEqual([]);
    expect(await started.stop(100)).toMatchObject({ kind: 'lost' });
  });

  it('lets the process end by itself when the client is killed', async () => {
    const place = folder();
    const program =
      'trap \'echo drained >"$1/part"; mv "$1/part" "$1/end"; exit\' TERM; echo up; while :; do sleep 0.05; done';
    const where = options();
    const started = await sh.start(script(program, place), where);
    await heard(started, 'up');
    process.kill(clientOf(where.runId), 'SIGKILL');
    await expect.poll(() => existsSync(join(place, 'end')), { timeout: 10_000 }).toBe(true);
    await started.exited;
  });

  it('stops a lost process that still runs, and refuses when it cannot know', async () => {
    const where = options();
    let isReachable = true;
    const way = carrier(['/bin/sh']);
    const executor = remoteExecutor({
      ...way,
      carry: (text) => (isReachable ? way.carry(text) : { file: '/bin/sh', args: ['-c', 'exit 255'] }),
    });
    const started = await executor.start(script('exec sleep 600'), where);
    isReachable = false;
    await expect(started.stop(100)).rejects.toMatchObject({
      code: 'SETUP_FAILED',
      message: expect.stringMatching(/^process \d+ on h1 may still run: the way ended with code 255/),
    });
    await expect(executor.end([{ kind: 'process', pid: 999_999_999, session: 1 }])).rejects.toMatchObject({
      code: 'SETUP_FAILED',
    });
    await expect(executor.findLabelled(where.runId)).rejects.toMatchObject({ code: 'SETUP_FAILED' });
    await expect(executor.fingerprint()).rejects.toMatchObject({ code: 'SETUP_FAILED' });
    isReachable = true;
    expect(await started.stop(5000)).toEqual({ kind: 'signalled', signal: 'SIGTERM' });
  });
});

describe('remoteExecutor.findLabelled', () => {
  it('finds processes where grep knows no null bytes', async () => {
    const place = folder();
    writeFileSync(join(place, 'grep'), '#!/bin/sh\ncase $1 in *z*) exit 2 ;; esac\nexec /bin/grep "$@"', {
      mode: 0o755,
    });
    const plain = remoteExecutor(carrier(['/bin/sh'], `PATH=${place}:$PATH; `));
    const where = options();
    const started = await plain.start(script('sleep 600 & echo "$!"; wait'), where);
    await expect.poll(() => started.tail(1)).toHaveLength(1);
    const session = started.id.pid;
    const found = (await plain.findLabelled(where.runId)) ?? [];
    const expected = [session, Number(started.tail(1)[0])].map((pid) => ({ kind: 'process', pid, session }));
    expect(found).toHaveLength(2);
    expect(found).toEqual(expect.arrayContaining(expected));
    expect(await plain.findLabelled(where.runId.slice(0, -1))).toEqual([]);
    await plain.end(found);
    expect(await started.exited).toEqual({ kind: 'signalled', signal: 'SIGKILL' });
    expect(await plain.findLabelled(where.runId)).toEqual([]);
  });
});

describe('remoteExecutor copies', () => {
  it('copies any bytes there and back, with the mode', async () => {
    const place = folder();
    const bytes = randomBytes(3_000_000);
    writeFileSync(join(place, 'a'), bytes, { mode: 0o750 });
    await sh.copyIn(join(place, 'a'), join(place, "it's b"));
    await sh.copyOut(join(place, "it's b"), join(place, 'c'));
    expect(readFileSync(join(place, 'c')).equals(bytes)).toBe(true);
    expect(statSync(join(place, "it's b")).mode & 0o777).toBe(0o750);
    expect(readdirSync(place).toSorted()).toEqual(['a', 'c', "it's b"]);
  });

  it('copies an empty file', async () => {
    const place = folder();
    writeFileSync(join(place, 'a'), '');
    await sh.copyIn(join(place, 'a'), join(place, 'b'));
    await sh.copyOut(join(place, 'b'), join(place, 'c'));
    expect(readFileSync(join(place, 'c'), 'utf8')).toBe('');
  });

  it('says what failed, and leaves nothing', async () => {
    const place = folder();
    writeFileSync(join(place, 'a'), 'a');
    await expect(sh.copyIn(join(place, 'none'), join(place, 'b'))).rejects.toMatchObject({
      code: 'SETUP_FAILED',
      message: expect.stringContaining('ENOENT'),
    });
    await expect(sh.copyIn(join(place, 'a'), join(place, 'no/b'))).rejects.toMatchObject({
      code: 'SETUP_FAILED',
      message: expect.stringMatching(/could not be copied to h1:.*(nonexistent|No such|not found)/i),
    });
    await expect(sh.copyOut(join(place, 'none'), join(place, 'b'))).rejects.toMatchObject({
      code: 'EVIDENCE_MISSING',
      message: expect.stringMatching(/^h1:.*(No such|cannot open)/i),
    });
    await expect(sh.copyOut(join(place, 'a'), join(place, 'no/b'))).rejects.toMatchObject({ code: 'EVIDENCE_MISSING' });
    expect(readdirSync(place)).toEqual(['a']);
  });

  it('does not take half a file for a file', async () => {
    const place = folder();
    writeFileSync(join(place, 'a'), randomBytes(2_000_000));
    const way = carrier(['/bin/sh']);
    const cut = remoteExecutor({ ...way, carry: (text) => way.carry(`head -c 1000000 | { ${text}\n}`) });
    await expect(cut.copyIn(join(place, 'a'), join(place, 'b'))).rejects.toMatchObject({ code: 'SETUP_FAILED' });
    const short = remoteExecutor({ ...way, carry: (text) => way.carry(`{ ${text}\n} | head -c 1000000`) });
    await expect(short.copyOut(join(place, 'a'), join(place, 'b'))).rejects.toMatchObject({ code: 'EVIDENCE_MISSING' });
    expect(readdirSync(place)).toEqual(['a']);
  });
});

describe('remoteExecutor facts', () => {
  it('reads what the host is', async () => {
    const facts = await sh.fingerprint();
    const uname = (flag: string): string => execFileSync('uname', [flag], { encoding: 'utf8' }).trim();
    expect(facts).toMatchObject({ hostname: uname('-n'), kernel: uname('-r'), arch: process.arch, node_version: null });
    expect(facts.cpu_count).toBe(Number(execFileSync('nproc', { encoding: 'utf8' })));
    expect(facts.memory_bytes).toBeGreaterThan(2 ** 28);
  });

  it('measures a process until it is over', async () => {
    const work = 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo worked; sleep 600';
    const started = await sh.start(script(work), options());
    await heard(started, 'worked');
    const { cpuSeconds, peakRssBytes } = await started.usage();
    expect(cpuSeconds).toBeGreaterThan(0.02);
    expect(peakRssBytes).toBeGreaterThan(100_000);
    await started.stop(1000);
    expect(await started.usage()).toEqual({ cpuSeconds: null, peakRssBytes: null });
  });
});
