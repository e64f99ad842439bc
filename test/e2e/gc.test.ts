import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../src/evidence/manifest.ts';
import { noteLive } from '../../src/evidence/store/live-runs.ts';
import { endedManifest, leaveRun } from '../unit/evidence/leave-run.ts';
import { COMMAND, NODE } from './project.ts';

/** Runs of one cell, oldest first, and the command beside them. */
function project(...changes: readonly Partial<Manifest>[]) {
  const root = mkdtempSync(join(tmpdir(), 'assay-gc-'));
  const artifacts = join(root, 'runs');
  const folders = changes.map((change) => leaveRun(artifacts, endedManifest({ cell_id: 'conc1', ...change })));
  const gc = async (...args: readonly string[]) => {
    const { stdout, stderr, exitCode } = await execa(NODE, [COMMAND, 'gc', ...args], {
      cwd: root,
      reject: false,
    });
    return { stdout, stderr, exitCode };
  };
  return { artifacts, folders, gc, left: () => folders.map((folder) => existsSync(folder)) };
}

const OLD = { timestamp_end: '2020-01-01T00:00:00.000Z' };
const FUTURE = { timestamp_end: '2999-01-01T00:00:00.000Z' };

describe('assay gc', () => {
  it('shows what would go, deletes it when it is told so, and has nothing to do after that', async () => {
    const { artifacts, folders, gc, left } = project(OLD, { status: 'failed_setup' }, {}, {});
    const [first = '', second = ''] = folders.map((folder) => basename(folder));
    const dry = await gc('--keep-last', '2');
    expect(dry.stdout.replaceAll(/[\d.]+ kB/g, '<size>')).toBe(
      [
        'demo/conc1  2 runs, <size>',
        ` ${first}  2020-01-01T00:00:00Z  passed  <size>`,
        ` ${second}  2026-05-28T20:14:52Z  failed_setup  <size>`,
        '2 runs would go, <size>',
        '2 runs stay: 2 among the newest',
        'next: assay gc --keep-last 2 --yes',
      ].join('\n'),
    );
    expect(left()).toEqual([true, true, true, true]);
    const done = await gc('--keep-last', '2', '--yes');
    expect(done.stdout).toMatch(/\n2 runs deleted, [\d.]+ kB\n2 runs stay: 2 among the newest$/);
    expect(done.exitCode).toBe(0);
    expect(left()).toEqual([false, false, true, true]);
    expect(readdirSync(dirname(folders[3]!)).sort()).toEqual(folders.slice(2).map((folder) => basename(folder)));
    expect((await gc('--keep-last', '2', '--yes')).stdout).toBe('0 runs deleted, 0 B\n2 runs stay: 2 among the newest');
    expect(readdirSync(artifacts).sort()).toEqual(['catalog.jsonl', 'demo']);
  });

  it('lets go only what every rule lets go', async () => {
    const { gc, left } = project(OLD, FUTURE, { ...OLD, status: 'interrupted' }, OLD);
    const { stdout } = await gc('--keep-last=1', '--older-than=90d', '--keep-failed', '--yes');
    expect(stdout).toContain('3 runs stay: 1 young, 1 failed, 1 among the newest');
    expect(left()).toEqual([false, true, true, true]);
  });

  it('never deletes what a baseline refers to, nor what is live', async () => {
    const { artifacts, folders, gc, left } = project(OLD, OLD, OLD);
    const [based = '', live = ''] = folders.map((folder) => basename(folder));
    mkdirSync(join(artifacts, 'baselines'));
    writeFileSync(
      join(artifacts, 'baselines/may.json'),
      JSON.stringify({ schema_version: '1.0', name: 'may', runs: [based] }),
    );
    noteLive(artifacts, {
      run_id: live,
      labels: [live],
      folder: folders[1]!,
      on: {},
      holder: { hostname: hostname(), pid: process.pid, started: null },
      output: null,
      secrets: {},
    });
    const { stdout } = await gc('--older-than', '1d', '--yes', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      dry_run: false,
      runs: [{ run: folders[2], run_id: basename(folders[2]!), cell_id: 'conc1', state: 'deleted', reason: null }],
      kept: [
        { run_id: based, reason: 'in a baseline' },
        { run_id: live, reason: 'live' },
      ],
      next: null,
    });
    expect(left()).toEqual([true, true, false]);
  });

  it('deletes nothing while it cannot know what a baseline refers to', async () => {
    const { artifacts, gc, left } = project(OLD);
    mkdirSync(join(artifacts, 'baselines'));
    writeFileSync(join(artifacts, 'baselines/may.json'), '{"runs": [');
    const { stderr, exitCode } = await gc('--older-than', '1d', '--yes');
    expect(stderr).toMatch(/^AssayError: \S+baselines\/may\.json cannot be read.*\n {3}next: repair it/);
    expect(exitCode).toBe(2);
    expect(left()).toEqual([true]);
  });

  it('ends what an earlier one could not finish', async () => {
    const { artifacts, folders, gc } = project(OLD, FUTURE);
    const [folder = ''] = folders;
    const trash = join(dirname(folder), `.trash-${basename(folder)}`);
    renameSync(folder, trash);
    expect((await gc('--older-than', '1d')).stdout).toContain(
      '0 runs would go, 0 B, and what 1 broken-off deletion left',
    );
    expect(existsSync(trash)).toBe(true);
    await gc('--older-than', '1d', '--yes');
    expect(readdirSync(artifacts, { recursive: true }).filter((path) => String(path).includes('.trash'))).toEqual([]);
  });

  it('keeps a run that it cannot read, and says so', async () => {
    const { folders, gc, left } = project(OLD, OLD);
    writeFileSync(join(folders[0]!, 'manifest.json'), '{');
    expect((await gc('--older-than', '1d', '--yes')).stdout).toMatch(
      / ! kept, it cannot be read: runs\/demo.*is no JSON/,
    );
    expect(left()).toEqual([true, false]);
  });

  it.each([
    [[], 'nothing says which runs may go'],
    [['--keep-failed', '--yes'], 'nothing says which runs may go'],
    [['--keep-last', '0'], '--keep-last 0 is no count'],
    [['--keep-last', '3.5'], '--keep-last 3.5 is no count'],
    [['--older-than', '90'], '--older-than 90 is no time'],
    [['--keep-last', '-1'], '--keep-last -1 is no count'],
    [['nowhere', '--keep-last', '1'], 'there is no folder'],
    [['runs', 'more', '--keep-last', '1'], '"more" belongs to no option'],
  ])('refuses %j', async (args, message) => {
    const { gc, left } = project(OLD);
    const { stderr, exitCode } = await gc(...args);
    expect(stderr).toContain(message);
    expect(exitCode).toBe(2);
    expect(left()).toEqual([true]);
  });
});
