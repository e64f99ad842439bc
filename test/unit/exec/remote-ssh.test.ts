import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shellWords } from '../../../src/exec/shell-quote.ts';
import { explainSsh } from '../../../src/exec/ssh-failure.ts';
import { openSshHosts } from '../../../src/exec/ssh.ts';

const hasSsh = ['/usr/bin/ssh', '/bin/ssh', '/usr/local/bin/ssh'].some((path) => existsSync(path));

describe('shellWords', () => {
  it('is read back by a shell as the same words', () => {
    const character = fc.constantFrom(
      "'",
      '"',
      '\\',
      '$',
      '`',
      '\n',
      '\t',
      ' ',
      '*',
      '~',
      '!',
      '#',
      '-',
      '=',
      'a',
      'ä',
      '𝒳',
    );
    const word = fc.oneof(fc.string({ unit: character }), fc.string()).filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
        const said = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${shellWords(words)}`], { encoding: 'utf8' });
        expect(said).toBe(words.map((text) => `${text}\0`).join(''));
      }),
      { numRuns: 100 },
    );
  });

  it('leaves plain words as they are, and no empty word out', () => {
    expect(shellWords(['vllm', 'serve', '--model=a/b:1', ''])).toBe("vllm serve '--model=a/b:1' ''");
  });
});

describe('explainSsh', () => {
  const code255 = { kind: 'exited', code: 255 } as const;

  it.each([
    [
      'ssh: connect to host 10.0.0.1 port 22: Connection refused\r\n',
      'the connection was refused; check that sshd runs there, and its port',
    ],
    [
      'ssh: connect to host 10.0.0.1 port 22: Connection timed out',
      'no answer to the connection; check its address, the network and firewalls',
    ],
    ['ssh: connect to host 10.0.0.1 port 22: No route to host', 'no way to it; check its address and the network'],
    [
      'ssh: Could not resolve hostname n1: Name or service not known',
      'no such name; correct its address in the cluster file',
    ],
    [
      'motd\nHost key verification failed.',
      'its host key is not the known one; log in once by hand, or correct the file of known hosts',
    ],
    [
      'root@n1: Permission denied (publickey).',
      'the login was denied; check user and ssh_key, and that the key needs no passphrase',
    ],
    [
      'Timeout, server 10.0.0.1 not responding.',
      'the connection broke off; check the network, and that the host is up',
    ],
    [
      'client_loop: send disconnect: Broken pipe',
      'the connection broke off; check the network, and that the host is up',
    ],
    [
      'Connection to 10.0.0.1 closed by remote host.',
      'the connection broke off; check the network, and that the host is up',
    ],
  ])('reads %j', (said, meaning) => {
    expect(explainSsh('n1', code255, said)).toBe(`ssh to n1: ${meaning}`);
  });

  it('does not take words of the command for words of ssh', () => {
    const broke = 'ssh to n1: the connection broke off; check the network, and that the host is up';
    expect(explainSsh('n1', code255, '')).toBe(broke);
    expect(explainSsh('n1', code255, 'motd\napi: Connection refused\n')).toBe(
      `${broke}; the last words were: api: Connection refused`,
    );
  });

  it('passes on what it does not know', () => {
    expect(explainSsh('n1', { kind: 'exited', code: 0 }, 'motd\nodd\n')).toBe(
      'ssh to n1 ended with code 0; the last words were: odd',
    );
    expect(explainSsh('n1', { kind: 'signalled', signal: 'SIGKILL' }, '')).toBe('ssh to n1 ended with SIGKILL');
    expect(explainSsh('n1', { kind: 'lost', reason: 'spawn ssh ENOENT' }, '')).toBe(
      'ssh to n1 was lost: spawn ssh ENOENT',
    );
  });
});

describe.skipIf(!hasSsh)('openSshHosts', () => {
  const configured = (text: string): string => {
    const config = join(mkdtempSync(join(tmpdir(), 'assay-ssh-')), 'config');
    writeFileSync(config, text);
    return config;
  };
  const node = (address: object) => ({
    name: 'n1',
    gpus: 8,
    address: { host: '10.0.0.1', port: null, user: null, sshKey: null, ...address },
  });
  const settings = (args: readonly string[]): ReadonlyMap<string, string> => {
    // What ssh makes of the whole command line, as it says itself.
    const lines = execFileSync('ssh', ['-G', ...args], { encoding: 'utf8' }).split('\n');
    return new Map(lines.map((line) => [line.split(' ', 1)[0]!, line.slice(line.indexOf(' ') + 1)]));
  };

  it('takes options from the address, and lets the configuration decide what it says itself', async () => {
    const config = configured(
      'Host *\n  ServerAliveInterval 1\n  ControlMaster no\n  BatchMode no\n  Port 7\nHost other\n',
    );
    const key = join(mkdtempSync(join(tmpdir(), 'assay-ssh-')), 'key');
    writeFileSync(key, '');
    const { carriers, close } = await openSshHosts([node({ host: '::1', port: 2222, user: 'ada', sshKey: key })], {
      config,
      runId: 'r1',
    });
    const command = carriers.get('n1')!.carry("echo 'a'");
    expect(command.file).toBe('ssh');
    expect(command.env).toEqual({ ASSAY_CLIENT_OF: 'r1' });
    expect(command.args.slice(-3)).toEqual(['--', '::1', String.raw`exec /bin/sh -c 'echo '\''a'\'''`]);
    const read = settings(command.args);
    expect(
      Object.fromEntries(
        ['hostname', 'port', 'user', 'identityfile', 'batchmode', 'controlmaster'].map((name) => [
          name,
          read.get(name),
        ]),
      ),
    ).toEqual({
      hostname: '::1',
      port: '2222',
      user: 'ada',
      identityfile: key,
      batchmode: 'yes',
      controlmaster: 'auto',
    });
    expect(read.get('serveraliveinterval')).toBe('1');
    expect(read.get('serveralivecountmax')).toBe('3');
    expect(read.get('connecttimeout')).toBe('10');
    expect(read.get('controlpath')!.length).toBeLessThan(91);
    expect(existsSync(dirname(read.get('controlpath')!))).toBe(true);
    await close();
    expect(existsSync(dirname(read.get('controlpath')!))).toBe(false);
  });

  it('reads the configuration of the user and of the machine when none is named', async () => {
    const { carriers, close } = await openSshHosts([node({})], { config: null, runId: 'r1' });
    const { args } = carriers.get('n1')!.carry(':');
    const text = readFileSync(args[args.indexOf('-F') + 1]!, 'utf8');
    await close();
    expect(text).toMatch(/^Include ~\/\.ssh\/config\nInclude \/etc\/ssh\/ssh_config\n/);
  });

  it('says what is wrong with the configuration', async () => {
    await expect(openSshHosts([node({})], { config: '/no/such', runId: 'r1' })).rejects.toMatchObject({
      code: 'SETUP_FAILED',
      message: expect.stringContaining('/no/such'),
    });
    const config = configured('Nonsense yes\n');
    await expect(openSshHosts([node({})], { config, runId: 'r1' })).rejects.toMatchObject({
      code: 'SETUP_FAILED',
      message: expect.stringMatching(/^ssh does not accept what it is told about n1: .*[Nn]onsense/),
    });
  });
});
