import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { devNull, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execaSync } from 'execa';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { comparePlans, planAtRef } from '../../../src/session/plan-diff.ts';
import { planSession } from '../../../src/session/plan.ts';
import type { SessionOptions } from '../../../src/session/plan.ts';
import { frameworks } from '../../../src/session/registry.ts';
import { DEMO_CONFIG } from '../demo-config.ts';
import { sessionOptions } from '../session-options.ts';

const GIT_ENVIRONMENT = {
  GIT_CONFIG_GLOBAL: devNull,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_DIR: undefined,
  GIT_WORK_TREE: undefined,
  GIT_INDEX_FILE: undefined,
};

/** A repository of its own, with the demo config as its first commit. */
class Repository {
  readonly root = mkdtempSync(join(tmpdir(), 'assay-repository-'));

  constructor(files: Readonly<Record<string, string>> = { 'demo.yaml': DEMO_CONFIG }) {
    this.git('init', '--quiet');
    this.write(files);
    this.commit();
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.root, file)), { recursive: true });
      writeFileSync(join(this.root, file), text);
    }
  }

  edit(file: string, from: string, to: string): void {
    const text = readFileSync(join(this.root, file), 'utf8');
    expect(text).toContain(from);
    this.write({ [file]: text.replace(from, to) });
  }

  commit(): void {
    this.git('add', '--all');
    this.git(
      '-c',
      'user.name=Test',
      '-c',
      'user.email=test@localhost',
      'commit',
      '--quiet',
      '--allow-empty',
      '-m',
      'x',
    );
  }

  git(...args: readonly string[]): string {
    return execaSync('git', args, { cwd: this.root, env: GIT_ENVIRONMENT }).stdout;
  }

  async diff(change: Partial<SessionOptions> = {}, ref = 'HEAD') {
    const options = sessionOptions({ root: this.root, ...change });
    return comparePlans(await planAtRef(ref, options, frameworks), planSession(options, frameworks));
  }
}

const NOTHING = { added: [], removed: [], moved: [], relaunched: [], rejudged: [], unchanged: 0 };
const TWO = DEMO_CONFIG.replace('benchmarks: [ttft_p99]', 'benchmarks: [ttft_p99, throughput]').replace(
  'thresholds: [{',
  'thresholds: [{kind: Rate, metric: throughput, per_unit: sec, op: ">=", min_rate: 5}, {',
);

afterEach(() => vi.unstubAllEnvs());

describe('what lies between two plans', () => {
  it('is nothing when fields are written in another order, with comments, or not at all', async () => {
    const repository = new Repository();
    expect(await repository.diff()).toEqual({ ...NOTHING, unchanged: 2 });
    const lines = DEMO_CONFIG.trim().split('\n').toReversed();
    repository.write({ 'demo.yaml': `# Turned around.\n${lines.join('\n')}\nseed: 0\n` });
    expect(await repository.diff()).toEqual({ ...NOTHING, unchanged: 2 });
  });

  it('is a new cell when the sweep gets a value, and one that is gone when it loses one', async () => {
    const repository = new Repository();
    repository.edit('demo.yaml', '[1, 2]', '[2, 4]');
    expect(await repository.diff()).toEqual({
      ...NOTHING,
      added: ['demo/conc4'],
      removed: ['demo/conc1'],
      unchanged: 1,
    });
  });

  it('is a launch when an input of the workload changes, whatever else does', async () => {
    const repository = new Repository();
    repository.edit('demo.yaml', 'attention: none', 'attention: fa');
    repository.edit('demo.yaml', 'osl: 4, num_prompts: 10', 'osl: 4, num_prompts: 10, num_warmups: 2');
    repository.edit('demo.yaml', 'value: 50', 'value: 90');
    const changes = [
      { path: 'knobs.attention', before: 'none', after: 'fa' },
      { path: 'params.num_warmups', before: expect.any(Number) as unknown, after: 2 },
    ];
    const thresholds = [{ benchmark: 'ttft_p99', path: 'value', before: 50, after: 90 }];
    expect(await repository.diff()).toEqual({
      ...NOTHING,
      relaunched: [
        { key: 'demo/conc1', changes, thresholds },
        { key: 'demo/conc2', changes, thresholds },
      ],
    });
  });

  it('says only once that another framework is another launch', async () => {
    const demo = planSession(sessionOptions({ root: new Repository().root }), frameworks);
    const other = structuredClone(demo.cells).map(({ cell, identity, ...rest }) => ({
      ...rest,
      cell: { ...cell, workload: { ...cell.workload, framework: 'other' } },
      identity: { ...identity, workloadHash: identity.configHash },
    }));
    const [first] = comparePlans(demo, { cells: other }).relaunched;
    expect(first?.changes).toEqual([{ path: 'framework', before: 'llama_cpp', after: 'other' }]);
    expect(first?.thresholds).toEqual([]);
  });

  it('is only another judgement when thresholds change, told by benchmark and not by position', async () => {
    const repository = new Repository();
    repository.write({
      'demo.yaml': TWO.replace(
        'value: 50}',
        'value: 90, when: {concurrency: 2}}, {kind: Percentile, metric: ttft_ms, percentile: 99, op: "<=", value: 50}',
      ),
    });
    expect(await repository.diff()).toEqual({
      ...NOTHING,
      rejudged: [
        {
          key: 'demo/conc1',
          changes: [
            {
              benchmark: 'throughput',
              path: '',
              before: undefined,
              after: expect.objectContaining({ min_rate: 5 }) as unknown,
            },
          ],
        },
        {
          key: 'demo/conc2',
          changes: [
            { benchmark: 'ttft_p99', path: 'value', before: 50, after: 90 },
            { benchmark: 'ttft_p99', path: 'when.concurrency', before: undefined, after: 2 },
            {
              benchmark: 'throughput',
              path: '',
              before: undefined,
              after: expect.objectContaining({ min_rate: 5 }) as unknown,
            },
          ],
        },
      ],
    });
  });

  it('is another judgement when the thresholds of the file beside the config change', async () => {
    const [config, thresholds] = DEMO_CONFIG.split('thresholds: ') as [string, string];
    const repository = new Repository({ 'demo.yaml': config, 'demo.thresholds.yaml': `thresholds: ${thresholds}` });
    expect(await repository.diff()).toEqual({ ...NOTHING, unchanged: 2 });
    repository.edit('demo.thresholds.yaml', 'value: 50', 'value: 90');
    const { rejudged } = await repository.diff();
    expect(rejudged.map(({ key }) => key)).toEqual(['demo/conc1', 'demo/conc2']);
  });

  it('is nothing when thresholds only change places', async () => {
    const repository = new Repository({ 'demo.yaml': TWO });
    const [, first = '', second = ''] = /thresholds: \[(\{.*\}), (\{.*\})\]/.exec(TWO) ?? [];
    repository.edit('demo.yaml', `${first}, ${second}`, `${second}, ${first}`);
    expect(await repository.diff()).toMatchObject({ rejudged: [], unchanged: 2 });
  });

  it('is a move when only the test id changes, with what it is judged by anew', async () => {
    const repository = new Repository();
    renameSync(join(repository.root, 'demo.yaml'), join(repository.root, 'other.yaml'));
    repository.edit('other.yaml', 'test_id: demo', 'test_id: other');
    expect(await repository.diff()).toEqual({
      ...NOTHING,
      moved: [
        { from: 'demo/conc1', to: 'other/conc1', changes: [] },
        { from: 'demo/conc2', to: 'other/conc2', changes: [] },
      ],
    });
    repository.edit('other.yaml', 'value: 50', 'value: 90');
    repository.edit('other.yaml', '[1, 2]', '[2, 3]');
    expect(await repository.diff()).toEqual({
      ...NOTHING,
      added: ['other/conc3'],
      removed: ['demo/conc1'],
      moved: [
        {
          from: 'demo/conc2',
          to: 'other/conc2',
          changes: [{ benchmark: 'ttft_p99', path: 'value', before: 50, after: 90 }],
        },
      ],
    });
  });

  it('moves a cell once, however many are alike, and rather to its own id', () => {
    const [planned] = planSession(sessionOptions({ root: new Repository().root }), frameworks).cells;
    const cells = (...keys: readonly string[]) => ({
      cells: keys.map((key) => ({ ...planned!, cell: { ...planned!.cell, key, cellId: key.split('/')[1]! } })),
    });
    expect(comparePlans(cells('a/x', 'a/y', 'kept/z'), cells('b/y', 'b/x', 'b/w', 'kept/z'))).toEqual({
      ...NOTHING,
      moved: [
        { from: 'a/y', to: 'b/y', changes: [] },
        { from: 'a/x', to: 'b/x', changes: [] },
      ],
      added: ['b/w'],
      unchanged: 1,
    });
    expect(comparePlans(cells('a/x', 'a/y'), cells('b/w'))).toEqual({
      ...NOTHING,
      moved: [{ from: 'a/x', to: 'b/w', changes: [] }],
      removed: ['a/y'],
    });
  });
});

describe('planAtRef', () => {
  const options = (repository: Repository, change: Partial<SessionOptions> = {}) =>
    sessionOptions({ root: repository.root, ...change });
  const keysAt = async (ref: string, session: SessionOptions) =>
    (await planAtRef(ref, session, frameworks)).cells.map(({ cell }) => cell.key);

  it('sees the files of any commit, and not those that only lie in the work tree', async () => {
    const repository = new Repository();
    repository.edit('demo.yaml', '[1, 2]', '[4]');
    repository.commit();
    repository.git('tag', 'v1');
    repository.edit('demo.yaml', '[4]', '[8]');
    repository.write({ 'new.yaml': DEMO_CONFIG.replace('demo', 'new').replace('none', 'fa') });
    expect(await keysAt('HEAD~1', options(repository))).toEqual(['demo/conc1', 'demo/conc2']);
    expect(await keysAt('v1', options(repository))).toEqual(['demo/conc4']);
    expect(await keysAt(repository.git('rev-parse', 'HEAD'), options(repository))).toEqual(['demo/conc4']);
  });

  it('takes the files that configs name for what they are today, in whichever folder', async () => {
    const config = DEMO_CONFIG.replace('id: tiny,', 'id: tiny, path: ../m.gguf,');
    const repository = new Repository({ 'deep/er/demo.yaml': config, 'deep/m.gguf': 'one' });
    repository.edit('deep/m.gguf', 'one', 'two');
    const session = { root: join(repository.root, 'deep/er'), configs: ['*.yaml'] };
    expect(await repository.diff(session)).toEqual({ ...NOTHING, unchanged: 2 });
    repository.edit('deep/er/demo.yaml', 'path: ../m.gguf', 'path: ../n.gguf');
    const { relaunched } = await repository.diff(session);
    expect(relaunched[0]?.changes.map(({ path }) => path)).toEqual(['files.dataset', 'files.model', 'model.path']);
  });

  it('leaves the index, the work tree and the temporary folder as they were', async () => {
    const repository = new Repository();
    repository.edit('demo.yaml', '[1, 2]', '[4]');
    repository.git('add', 'demo.yaml');
    repository.edit('demo.yaml', '[4]', '[8]');
    const hook = join(repository.root, '.git/hooks/post-index-change');
    writeFileSync(hook, '#!/bin/sh\ntouch hooked\n', { mode: 0o755 });
    repository.git('config', 'core.fsmonitor', hook);
    const state = () => [
      readFileSync(join(repository.root, '.git/index'), 'base64'),
      readdirSync(join(repository.root, '.git')),
      readdirSync(repository.root),
      readdirSync(tmpdir()).filter((name) => name.startsWith('assay-diff-')),
    ];
    const before = state();
    await keysAt('HEAD', options(repository));
    expect(state()).toEqual(before);
    repository.write({ 'demo.yaml': 'a: [' });
    repository.commit();
    await expect(keysAt('HEAD', options(repository))).rejects.toThrow();
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('assay-diff-'))).toEqual([]);
  });

  it('works in a folder of the repository, through a link, with configs above it and absolute patterns', async () => {
    const repository = new Repository({
      'deep/er/demo.yaml': DEMO_CONFIG,
      'shared/up.yaml': DEMO_CONFIG.replace('demo', 'up').replace('none', 'fa'),
      'demo.yaml': 'not a config of this session',
    });
    const link = join(mkdtempSync(join(tmpdir(), 'assay-link-')), 'repository');
    symlinkSync(repository.root, link);
    repository.edit('deep/er/demo.yaml', '[1, 2]', '[1]');
    for (const root of [join(repository.root, 'deep/er'), join(link, 'deep/er')]) {
      expect(await repository.diff({ root, configs: ['*.yaml'] })).toMatchObject({
        removed: ['demo/conc2'],
        unchanged: 1,
      });
      expect(await keysAt('HEAD', options(repository, { root, configs: ['../../shared/*.yaml'] }))).toHaveLength(2);
      expect(await keysAt('HEAD', options(repository, { root, configs: [join(root, '*.yaml')] }))).toHaveLength(2);
    }
  });

  it('finds the repository around the folder in a git hook, too', async () => {
    const repository = new Repository();
    const other = new Repository({ 'demo.yaml': DEMO_CONFIG.replace('[1, 2]', '[4]') });
    vi.stubEnv('GIT_DIR', join(other.root, '.git'));
    vi.stubEnv('GIT_INDEX_FILE', join(other.root, '.git/index.lock'));
    expect(await keysAt('HEAD', options(repository))).toEqual(['demo/conc1', 'demo/conc2']);
  });

  it("plans with today's cluster file and overrides", async () => {
    const repository = new Repository();
    repository.write({ 'far.cluster.yaml': 'nodes: {far: {gpus: 0, labels: [cpu]}}\n' });
    const session = options(repository, {
      cluster: 'far.cluster.yaml',
      overrides: [{ path: ['params', 'osl'], value: 6 }],
    });
    const { cells } = await planAtRef('HEAD', session, frameworks);
    expect(cells[0]).toMatchObject({ binding: { hosts: { server: ['far'] } }, cell: { params: { osl: 6 } } });
    expect(await repository.diff(session)).toEqual({ ...NOTHING, unchanged: 2 });
  });

  it('keeps the cells that were named, of which there need be none', async () => {
    const repository = new Repository();
    repository.edit('demo.yaml', '[1, 2]', '[1, 2, 4]');
    expect(await repository.diff({ onlyCells: ['conc4'] })).toEqual({ ...NOTHING, added: ['demo/conc4'] });
    expect(await repository.diff({ onlyCells: ['demo/*2'] })).toEqual({ ...NOTHING, unchanged: 1 });
  });

  it('finds everything new when there was no config yet', async () => {
    const repository = new Repository({ 'README.md': 'empty' });
    repository.write({ 'demo.yaml': DEMO_CONFIG });
    expect(await repository.diff()).toEqual({ ...NOTHING, added: ['demo/conc1', 'demo/conc2'] });
    repository.write({ 'deep/demo.yaml': DEMO_CONFIG });
    expect(await keysAt('HEAD', options(repository, { root: join(repository.root, 'deep') }))).toEqual([]);
  });

  it('finds those of a config new that is named by its path and was not there yet', async () => {
    const repository = new Repository();
    repository.write({ 'new.yaml': DEMO_CONFIG.replace('demo', 'new').replace('none', 'fa') });
    expect(await repository.diff({ configs: ['demo.yaml', 'new.yaml'] })).toEqual({
      ...NOTHING,
      added: ['new/conc1', 'new/conc2'],
      unchanged: 2,
    });
    expect(await keysAt('HEAD', options(repository, { configs: ['new.yaml'] }))).toEqual([]);
  });

  it('says of which ref the configs are broken', async () => {
    const repository = new Repository({
      'a.yaml': DEMO_CONFIG.replace('value: 50', 'value: fifty'),
      'b/demo.yaml': 'a: [',
    });
    rmSync(join(repository.root, 'b'), { recursive: true });
    const broken = keysAt('HEAD', options(repository, { configs: ['**/*.yaml'] }));
    await expect(broken).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(
        /^HEAD:a\.yaml:12:\d+ thresholds\[0\]\.value: .*\nHEAD:b\/demo\.yaml:1:\d+ .*\n2 problems in 2 of 2 files\./,
      ) as unknown,
      hint: 'compare with a ref whose configs load; those of HEAD do not',
    });
  });

  it.each([
    ['nosuch', 'Not a valid object name nosuch'],
    ['HEAD~7', 'Not a valid object name HEAD~7'],
    ['--help', 'Not a valid object name --help'],
    ['', 'Not a valid object name'],
    ['HEAD:demo.yaml', 'failed to unpack tree object HEAD:demo.yaml'],
  ])('refuses the ref %j', async (ref, sentence) => {
    await expect(keysAt(ref, options(new Repository()))).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(`--diff ${ref}: ${sentence}`) as unknown,
      hint: expect.stringContaining('git log --oneline') as unknown,
    });
  });

  it('says that a shallow clone lacks the older commits', async () => {
    const repository = new Repository();
    repository.commit();
    const clone = mkdtempSync(join(tmpdir(), 'assay-shallow-'));
    execaSync('git', ['clone', '--quiet', '--depth', '1', `file://${repository.root}`, clone], {
      env: GIT_ENVIRONMENT,
    });
    await expect(keysAt('HEAD~1', sessionOptions({ root: clone }))).rejects.toMatchObject({
      code: 'USAGE',
      hint: expect.stringContaining('git fetch --unshallow') as unknown,
    });
  });

  it('refuses a folder outside of any repository, configs outside of this one, and a machine without git', async () => {
    const repository = new Repository();
    const outside = mkdtempSync(join(tmpdir(), 'assay-outside-'));
    await expect(keysAt('HEAD', sessionOptions({ root: outside }))).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(/^--diff HEAD: not a git repository .*assay-outside-/) as unknown,
      hint: expect.stringContaining('run it in the git repository of the configs') as unknown,
    });
    for (const pattern of ['../*.yaml', join(outside, '*.yaml')]) {
      await expect(keysAt('HEAD', options(repository, { configs: ['*.yaml', pattern] }))).rejects.toMatchObject({
        code: 'USAGE',
        message: `--diff HEAD: the configs ${pattern} are not in the repository ${repository.root}`,
      });
    }
    vi.stubEnv('PATH', outside);
    await expect(keysAt('HEAD', options(repository))).rejects.toMatchObject({
      code: 'USAGE',
      message: '--diff HEAD: there is no git on this machine',
    });
  });
});
