import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { endedManifest, storeRun } from '../unit/evidence/ended-run.ts';
import { COMMAND, NODE, Project } from './project.ts';

/** A project with so many stored runs of today, and the command in it. */
function projectWith(count: number) {
  const project = new Project({});
  const artifacts = join(project.root, 'runs');
  const now = new Date().toISOString();
  const store = () => storeRun(artifacts, endedManifest({ timestamp_start: now, timestamp_end: now }));
  const folders = Array.from({ length: count }, store);
  const assay = async (...args: readonly string[]) => {
    const argv = [COMMAND, 'export', ...args];
    // No network: whatever tried to fetch something would fail.
    const env = { http_proxy: 'http://127.0.0.1:9', https_proxy: 'http://127.0.0.1:9', HOME: project.root };
    const { stdout, stderr, exitCode } = await execa(NODE, argv, { cwd: project.root, reject: false, env });
    return { stdout: stdout.replace(/\(.* s\)/, '(… s)'), stderr, exitCode };
  };
  return { project, folders, store, assay };
}

describe('assay export', () => {
  it('writes what is there, then what is new, and says so', async () => {
    const { project, store, assay } = projectWith(2);
    expect(await assay('-o', 'out/fact.parquet')).toEqual({
      stdout: 'out/fact.parquet: 2 runs, 2 new, 0 changed, 34 columns (… s)',
      stderr: '',
      exitCode: 0,
    });
    store();
    expect((await assay('-o', 'out/fact.parquet')).stdout).toMatch(/: 3 runs, 1 new, 0 changed, 34 columns/);
    expect((await assay('-o', 'out/fact.parquet')).stdout).toMatch(/: 3 runs, 0 new, 0 changed; it was up to date/);
    expect(readdirSync(join(project.root, 'out'))).toEqual(['fact.parquet']);
    expect(readFileSync(join(project.root, 'out/fact.parquet')).subarray(0, 4).toString()).toBe('PAR1');
    // No extension was fetched or kept.
    expect(readdirSync(project.root)).not.toContain('.duckdb');
  });

  it('tells machines the same', async () => {
    const { project, folders, assay } = projectWith(2);
    writeFileSync(join(folders[0]!, 'manifest.json'), '');
    const { stdout, exitCode } = await assay('--since', '2w', '--json', '--output', 'fact.parquet');
    expect(JSON.parse(stdout)).toMatchObject({
      output: join(project.root, 'fact.parquet'),
      rows: 1,
      added: 1,
      changed: 0,
      columns: 34,
      unreadable: [{ run: folders[0] }],
      took_s: expect.any(Number),
    });
    expect(exitCode).toBe(0);
  });

  it('makes folders for experiments', async () => {
    const { project, assay } = projectWith(1);
    expect((await assay('-o', 'facts/', '--partition-by', 'experiment_id')).stdout).toMatch(/^facts: 1 run, 1 new/);
    const [folder] = readdirSync(join(project.root, 'facts'));
    expect(decodeURIComponent(folder!)).toBe('experiment_id=vllm/gpt-oss-120b/fp4+aiter+vllm-native/mi355x');
  });

  it('has a sentence and exit 3 where there is nothing to export', async () => {
    const { project, assay } = projectWith(1);
    const { stdout, exitCode } = await assay('-o', 'fact.parquet', '--since', '2999-01-01');
    expect({ stdout, exitCode }).toEqual({
      stdout: 'nothing to export: no run in runs began since 2999-01-01T00:00:00.000Z',
      exitCode: 3,
    });
    expect(readdirSync(project.root)).not.toContain('fact.parquet');
  });

  it.each([
    [['-o', 'x.parquet', 'nowhere'], 'there is no folder'],
    [['-o', 'x.parquet', 'package.json'], 'package.json is a file'],
    [[], 'nothing says where to write to'],
    [['-o', 'runs'], 'runs is a folder'],
    [['-o', 'package.json'], 'package.json is no Parquet file'],
    [['-o', 'package.json', '--partition-by', 'experiment_id'], 'package.json is a file'],
    [['-o', 'x.parquet', '--partition-by', 'model'], '--partition-by model'],
    [['-o', 'x.parquet', '--since', 'soon'], '--since soon is no time'],
    [['-o', 'package.json/x.parquet'], 'package.json cannot be made'],
  ])('refuses %j with the reason and the next step', async (args, reason) => {
    const { assay } = projectWith(1);
    const { stderr, exitCode } = await assay(...args);
    expect(stderr).toContain(reason);
    expect(stderr.split('\n').length).toBeLessThanOrEqual(2);
    expect(exitCode).toBe(2);
  });
});
