import { createHash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Run } from '../../src/vitest/claims/run.ts';
import { ONE_CELL, Project } from './project.ts';
import type { SessionResult } from './project.ts';

let project: Project;
let first: SessionResult;
beforeAll(async () => {
  project = new Project({ 'configs/quick.yaml': ONE_CELL });
  first = await project.run();
});

/** Every file of a run with its hash. */
function contents(folder: string): Record<string, string> {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    statSync(join(folder, path)).isFile(),
  );
  return Object.fromEntries(
    paths.map((path) => [
      path,
      createHash('sha256')
        .update(readFileSync(join(folder, path)))
        .digest('hex'),
    ]),
  );
}

describe('a run directory', () => {
  it('holds the evidence and nothing half-written', () => {
    expect(first.exitCode).toBe(0);
    const [folder] = first.launched;
    const files = Object.keys(contents(folder!)).sort();
    expect(files.map((file) => file.replace(/[0-9a-f]{64}/, '<hash>'))).toEqual([
      'attachments/llama-cpp-load.json',
      'attachments/llama-cpp-server.json',
      'config.resolved.yaml',
      'events.jsonl',
      'logs/dmesg.localhost.post.txt',
      'logs/dmesg.localhost.pre.txt',
      'logs/gpu_state.localhost.post.json',
      'logs/gpu_state.localhost.pre.json',
      'logs/server.localhost.log',
      'logs/stderr.log',
      'logs/stdout.log',
      'manifest.json',
      'samples.parquet',
      'trajectory.parquet',
      'verifications/<hash>.json',
    ]);
    const { sidecars } = new Run(folder!).manifest;
    expect(Object.keys(sidecars).sort()).toEqual(files.filter((file) => file !== 'manifest.json'));
    expect(sidecars['samples.parquet']?.rows).toBe(8);
  });

  it('is left alone by a second session, which adds its own', async () => {
    const [folder] = first.launched;
    const before = contents(folder!);
    const second = await project.run();
    expect(second.launched).toHaveLength(1);
    expect(second.launched[0]).not.toBe(folder);
    expect(contents(folder!)).toEqual(before);
    const catalog = readFileSync(join(project.root, 'runs/catalog.jsonl'), 'utf8').trim().split('\n');
    expect(catalog.map((line) => join(project.root, 'runs', (JSON.parse(line) as { path: string }).path))).toEqual([
      folder,
      second.launched[0],
    ]);
  });

  it('says which file is missing, whichever it is', async () => {
    const [folder] = first.launched;
    for (const file of Object.keys(contents(folder!))) {
      const copy = join(project.root, 'copy');
      cpSync(folder!, copy, { recursive: true });
      rmSync(join(copy, file));
      const check = async () => new Run(copy).checkEvidence();
      await expect(check()).rejects.toMatchObject({
        code: 'EVIDENCE_MISSING',
        message: `${file} is missing from ${copy}`,
        hint: 'restore the file, or delete the run directory and run the cell again',
      });
      rmSync(copy, { recursive: true });
    }
  });
});
