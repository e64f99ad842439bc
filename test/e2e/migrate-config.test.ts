import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { COMMAND, NODE, Project, REPOSITORY } from './project.ts';

const fixture = (name: string): string => readFileSync(join(REPOSITORY, 'fixtures/legacy', name), 'utf8');
const SINGLE = 'inference/mi300x_vllm_tiny_single';
const FILES = {
  'legacy/a/mi300x_vllm_tiny_single.json': fixture(`${SINGLE}.json`),
  'legacy/a/mi300x_vllm_tiny_single_threshold.json': fixture(`${SINGLE}_threshold.json`),
  'legacy/a/mi300x_atom_tiny_single.json': fixture('inference/mi300x_atom_tiny_single.json'),
  'legacy/b/mi3xx_megatron_presets.json': fixture('training/mi3xx_megatron_presets.json'),
};
const OPTIONS = ['legacy', '-o', 'configs', '--gpus-per-node', '8', '--user-id', 'jane'] as const;

/** Ctrl-C, once two configs are in their place. */
const INTERRUPT_AFTER_TWO = `import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
const { renameSync } = fs;
let count = 0;
fs.renameSync = (from, to) => {
  renameSync(from, to);
  if (String(to).endsWith('.yaml') && ++count === 2) process.kill(process.pid, 'SIGINT');
};
syncBuiltinESMExports();
`;

function setUp(files: Readonly<Record<string, string>> = FILES) {
  const project = new Project(files);
  const node = async (...args: readonly string[]) => {
    const { stdout, stderr, exitCode } = await execa(NODE, args, {
      cwd: project.root,
      reject: false,
      env: { NO_COLOR: '1' },
    });
    return { stdout, stderr, exitCode };
  };
  const assay = (...args: readonly string[]) => node(COMMAND, ...args);
  const written = () =>
    existsSync(join(project.root, 'configs'))
      ? readdirSync(join(project.root, 'configs'), { recursive: true, encoding: 'utf8' }).toSorted()
      : [];
  const read = (file: string) => readFileSync(join(project.root, file), 'utf8');
  return { project, assay, node, written, read };
}

describe('assay migrate-config', () => {
  it('writes configs that can be planned, and a report of the rest', async () => {
    const { assay, written } = setUp();
    const { stdout, exitCode } = await assay('migrate-config', ...OPTIONS);
    expect(stdout).toMatchInlineSnapshot(`
      " ○ legacy/a/mi300x_atom_tiny_single.json  family a, not migratable: there is no adapter for atom
         next: keep it with the legacy suite, or write an adapter (docs/architecture.md)
       ✓ legacy/a/mi300x_vllm_tiny_single.json  family a, vllm: 3 configs, 3 cells, 7 of 16 thresholds carried
       ✓ legacy/b/mi3xx_megatron_presets.json  family e, megatron: 2 configs, 2 cells, 3 of 3 thresholds carried

      7 places to fill in first:
       b/mi3xx_megatron_presets_single_node_tiny_8b_mi325.yaml:28 params.train_iters = <changeme>
       b/mi3xx_megatron_presets_multi_node_tiny_8b_mi325.yaml:10 topology.roles.worker.count = <changeme>
       b/mi3xx_megatron_presets_multi_node_tiny_8b_mi325.yaml:17 container.env.NCCL_SOCKET_IFNAME = <changeme>
       b/mi3xx_megatron_presets_multi_node_tiny_8b_mi325.yaml:29 params.train_iters = <changeme>
       b/mi3xx_megatron_presets_multi_node_tiny_8b_mi325.yaml:32 params.dp = <changeme: all GPUs / (tp 4 x pp 1)>
       b/mi3xx_megatron_presets_multi_node_tiny_8b_mi325.yaml:35 thresholds[0].min_rate = <changeme>
       b/mi3xx_megatron_presets_multi_node_tiny_8b_mi325.yaml:36 thresholds[1].min_rate = <changeme>

      5 configs from 2 legacy configs, 1 not migratable, 0 unreadable; 5 cells carried, 2 reported
      thresholds: 10 carried, 3 dropped (could not fail), 6 reported
      next: read configs/migration-report.md, fill in, then assay plan --configs 'configs/**/*.yaml'"
    `);
    expect(exitCode).toBe(0);
    expect(written()).toMatchInlineSnapshot(`
      [
        "a",
        "a/mi300x_vllm_tiny_single_part1.yaml",
        "a/mi300x_vllm_tiny_single_part2.yaml",
        "a/mi300x_vllm_tiny_single_part3.yaml",
        "b",
        "b/mi3xx_megatron_presets_multi_node_tiny_8b_mi325.yaml",
        "b/mi3xx_megatron_presets_single_node_tiny_8b_mi325.yaml",
        "migration-report.md",
      ]
    `);
    const plan = await assay('plan', '--configs', 'configs/a/*.yaml', '--json');
    expect(plan).toMatchObject({ stderr: '', exitCode: 0 });
    const { cells } = JSON.parse(plan.stdout) as { readonly cells: readonly { readonly id: string }[] };
    expect(cells.map(({ id }) => id)).toEqual(['w_1k_1k-conc16', 'w_1k_1k-conc32', 'w_8k_1k-conc16']);
  });

  it('writes nothing over what is there, unless it is told to', async () => {
    const { assay } = setUp();
    await assay('migrate-config', ...OPTIONS);
    const again = await assay('migrate-config', ...OPTIONS);
    expect(again.exitCode).toBe(2);
    expect(again.stderr).toMatch(/single_part1\.yaml is there already, and \d+ more[^]*next: .*--force/);
    expect((await assay('migrate-config', ...OPTIONS, '--force')).exitCode).toBe(0);
  });

  it('adds a file that is migrated later to what is there, and to the report', async () => {
    const { project, assay, written, read } = setUp({ ...FILES, 'legacy/c.json': '{' });
    await assay('migrate-config', ...OPTIONS);
    const [before, report] = [written(), read('configs/migration-report.md')];
    expect(report).toMatch(/^\| `legacy\/c\.json` \| .* ends in the middle/m);
    project.write('legacy/c.json', fixture('training/mi3xx_megatron_presets.json'));
    const { exitCode, stderr } = await assay('migrate-config', 'legacy/c.json', ...OPTIONS.slice(1));
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(written().filter((file) => !before.includes(file))).toEqual([
      'c_multi_node_tiny_8b_mi325.yaml',
      'c_single_node_tiny_8b_mi325.yaml',
    ]);
    const sections = (text: string) => text.split(/^(?=## `)/m).slice(1);
    const others = sections(read('configs/migration-report.md')).filter((one) => !one.startsWith('## `legacy/c.json`'));
    expect(others.map((one) => one.trim())).toEqual(sections(report).map((one) => one.trim()));
    expect(read('configs/migration-report.md')).toMatch(/^\| `legacy\/c\.json` \| 2 \| 2 \| 0 /m);
  });

  it('takes no other file for a report', async () => {
    const { project, assay, read } = setUp();
    project.write('configs/migration-report.md', '# Mine\n');
    const { stderr, exitCode } = await assay('migrate-config', ...OPTIONS);
    expect(stderr).toContain('configs/migration-report.md is there already');
    expect({ exitCode, text: read('configs/migration-report.md') }).toEqual({ exitCode: 2, text: '# Mine\n' });
  });

  it('writes no path of this machine', async () => {
    const { project, assay, written, read } = setUp();
    const [, ...rest] = OPTIONS;
    const { stdout } = await assay('migrate-config', join(project.root, 'legacy'), ...rest);
    const files = written().filter((file) => /\.\w+$/.test(file));
    const all = [stdout, ...files.map((file) => read(join('configs', file)))].join('\n');
    expect(all).not.toContain(project.root);
    expect(read('configs/a/mi300x_vllm_tiny_single_part1.yaml')).toContain(
      'Migrated from legacy/a/mi300x_vllm_tiny_single.json by',
    );
  });

  it.each([
    ['configs', 'configs'],
    ['configs/a', 'configs'],
    ['configs/deeper', 'configs/deeper/b'],
  ])('writes nothing where %s is a file, and -o is %s', async (file, folder) => {
    const { project, assay, read, written } = setUp();
    project.write(file, 'mine');
    const before = file === 'configs' ? [] : written();
    for (const more of [[], ['--force'], ['--dry-run']]) {
      const { stdout, stderr, exitCode } = await assay('migrate-config', 'legacy', '-o', folder, ...more);
      expect({ stdout, exitCode, text: read(file) }).toEqual({ stdout: '', exitCode: 2, text: 'mine' });
      expect(stderr).toContain(`${file} is a file, where a folder for configs would be`);
      expect(stderr.split('\n').length).toBeLessThanOrEqual(3);
    }
    expect(file === 'configs' ? [] : written()).toEqual(before);
  });

  it.each([
    [{}, 'legacy', 'no legacy config in legacy: no JSON file'],
    [{ 'legacy/a.json': '{"a": 1}' }, 'legacy/a.json', 'no legacy config in legacy/a.json: only 1 other file'],
    [
      { 'legacy/a_threshold.json': fixture(`${SINGLE}_threshold.json`), 'legacy/b.json': '{}' },
      'legacy',
      'no legacy config in legacy: only 1 thresholds file and 1 other file',
    ],
  ])('writes nothing where there is no legacy config (%#)', async (files, named, message) => {
    const { assay, written } = setUp({ 'legacy/a.txt': '', ...files });
    const { stdout, stderr, exitCode } = await assay('migrate-config', named, '-o', 'configs');
    expect(stderr).toContain(message);
    expect(stderr).toContain('next: name a legacy config, or a folder of them');
    expect({ stdout, exitCode, written: written() }).toEqual({ stdout: '', exitCode: 2, written: [] });
  });

  it('writes nothing where no legacy config can be read', async () => {
    const { assay, written } = setUp({ 'legacy/a.json': '{' });
    const { stdout, exitCode } = await assay('migrate-config', ...OPTIONS);
    expect(stdout).toMatch(/ ✗ legacy\/a\.json:1:\d+ [^]*\nNothing was written: no legacy config could be read\.$/);
    expect({ exitCode, written: written() }).toEqual({ exitCode: 2, written: [] });
  });

  it('counts one of a thing as one', async () => {
    const { assay } = setUp({ 'legacy/a.json': fixture('inference/mi300x_inferencemax_tiny.json') });
    const { stdout } = await assay('migrate-config', ...OPTIONS);
    expect(stdout).toContain(
      '1 config from 1 legacy config, 0 not migratable, 0 unreadable; 1 cell carried, 0 reported',
    );
  });

  it('ends between two files when it is interrupted: what is there is whole, and nothing else is', async () => {
    const { project, assay, node, written, read } = setUp();
    await assay('migrate-config', 'legacy', '-o', 'sample', ...OPTIONS.slice(3));
    project.write('interrupt.mjs', INTERRUPT_AFTER_TWO);
    const { stdout, exitCode } = await node('--import', './interrupt.mjs', COMMAND, 'migrate-config', ...OPTIONS);
    expect(stdout).toContain('Stopped: some files were not looked at or not written; those that were are whole.');
    expect(exitCode).toBe(130);
    expect(written()).toEqual(['a', 'a/mi300x_vllm_tiny_single_part1.yaml', 'a/mi300x_vllm_tiny_single_part2.yaml']);
    for (const file of written().slice(1)) expect(read(`configs/${file}`)).toBe(read(`sample/${file}`));
  });

  it('writes nothing in a dry run, and says all the same as JSON', async () => {
    const { assay, written } = setUp();
    const { stdout, exitCode } = await assay('migrate-config', ...OPTIONS, '--dry-run', '--json');
    expect({ exitCode, written: written() }).toEqual({ exitCode: 0, written: [] });
    const { files, totals, report, dry_run: isDry } = JSON.parse(stdout);
    expect({ totals, report, isDry }).toMatchInlineSnapshot(`
      {
        "isDry": true,
        "report": null,
        "totals": {
          "cells": {
            "carried": 5,
            "reported": 2,
          },
          "configs": 5,
          "fillIns": 7,
          "legacyConfigs": 3,
          "notMigratable": 1,
          "refused": 0,
          "thresholds": {
            "carried": 10,
            "dropped": 3,
            "reported": 6,
          },
        },
      }
    `);
    const [atom] = files.filter(({ file }: { file: string }) => file.includes('atom'));
    expect(atom).toMatchObject({
      state: 'not_migratable',
      family: 'a',
      why: 'there is no adapter for atom',
      configs: [],
    });
  });

  it('says where a broken file breaks, and migrates the others', async () => {
    const { assay, written } = setUp({ ...FILES, 'legacy/c.json': '{\n  "config": {"a": 1,}\n}\n' });
    const { stdout, exitCode } = await assay('migrate-config', ...OPTIONS);
    expect(stdout).toMatch(/ ✗ legacy\/c\.json:2:\d+ is no JSON/);
    expect(exitCode).toBe(2);
    expect(written()).toContain('a/mi300x_vllm_tiny_single_part1.yaml');
  });

  it.each([
    [[], 'no file to migrate', 'assay migrate-config legacy/ -o configs'],
    [['legacy/c.json/d'], 'there is no legacy/c.json/d', 'name a legacy config, or a folder of them'],
    [['nowhere'], 'there is no nowhere', 'name a legacy config, or a folder of them'],
    [['legacy', '--gpus-per-node', 'all'], '--gpus-per-node all is no count', '--gpus-per-node 8'],
    [['legacy', '--dryrun'], 'there is no option --dryrun', 'did you mean --dry-run?'],
  ])('%j is a mistake of the command line', async (args, message, hint) => {
    const { stderr, exitCode } = await setUp({ 'legacy/c.json': '{}' }).assay('migrate-config', ...args);
    expect(stderr).toContain(message);
    expect(stderr).toContain(hint);
    expect(exitCode).toBe(2);
  });

  it('has examples in its help', async () => {
    const { stdout } = await setUp().assay('migrate-config', '--help');
    expect(stdout).toMatch(/EXAMPLES\n\n {2}assay migrate-config legacy\//);
  });
});
