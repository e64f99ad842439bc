import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { runLocal } from '../../../src/exec/local.ts';
import { identityIn, identityText, isOver, processIdentity } from '../../../src/core/process-start.ts';

const isLinux = process.platform === 'linux';
/** Has a program run in a namespace that shows it no other process. */
const runAlone = (...program: readonly string[]): ReturnType<typeof runLocal> =>
  runLocal({ file: 'unshare', args: ['--pid', '--fork', '--mount-proc', ...program] });
const canRunAlone =
  isLinux &&
  (await runAlone('true').then(
    ({ exit }) => exit.kind === 'exited' && exit.code === 0,
    () => false,
  ));

describe('isOver', () => {
  it('says no of this process, and yes of one that ended', async () => {
    expect(isOver(processIdentity())).toBe(false);
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    const identity = processIdentity(child.pid);
    expect(isOver(identity)).toBe(false);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isOver(identity)).toBe(true);
  });

  it.runIf(isLinux)('is not fooled by another process that got the same id', () => {
    expect(isOver({ ...processIdentity(), started: '1' })).toBe(true);
  });

  it('says no of what it cannot know: a process of another machine, or of another container', () => {
    const nobody = { ...processIdentity(), pid: 2 ** 30, started: '1' };
    expect(isOver(nobody)).toBe(true);
    expect(isOver({ ...nobody, hostname: `not-${hostname()}` })).toBe(false);
    const boot = nobody.view?.split('.')[0];
    if (isLinux) expect(isOver({ ...nobody, view: `${boot}.1` })).toBe(false);
  });

  it.runIf(isLinux)('says yes of a process of an earlier boot', () => {
    expect(isOver({ ...processIdentity(), view: '0123456789ab.1' })).toBe(true);
  });

  it('judges one whose namespace was not written down by its id alone', () => {
    const { view: _view, ...known } = processIdentity();
    expect(isOver(known)).toBe(false);
    expect(isOver({ ...known, pid: 2 ** 30 })).toBe(true);
  });

  it.runIf(canRunAlone)('says no of a process that a container of the same name cannot see', async () => {
    const script = `
      import { isOver } from ${JSON.stringify(new URL('../../../dist/core/process-start.js', import.meta.url).href)};
      process.stdout.write(String(isOver(${JSON.stringify(processIdentity())})));`;
    const { stdout } = await runAlone(process.execPath, '--input-type=module', '-e', script);
    expect(stdout).toBe('false');
  });
});

describe('identityText', () => {
  it.each([
    processIdentity(),
    { hostname: 'gpu-01.example', pid: 17, started: null },
    { hostname: 'a', pid: 1, started: '5', view: '0123456789ab.17' },
  ])('is read back as the same process: %o', (identity) => {
    expect(identityIn(identityText(identity))).toEqual(identity);
    expect(identityText(identity)).not.toContain('/');
  });

  it('is no other text', () => {
    expect(identityIn('17-5')).toBeNull();
  });
});
