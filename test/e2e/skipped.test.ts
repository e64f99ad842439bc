import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkEvidence, readManifest } from '../../src/evidence/run-reader.ts';
import { ONE_CELL, Project } from './project.ts';
import type { SessionResult } from './project.ts';

const BIG = ONE_CELL.replace('test_id: quick', 'test_id: big').replace('count: 1, selector: cpu', 'count: 3');
const PLUGIN = `import { assay } from 'vitest-assay';
export default { plugins: [assay({ cluster: 'pool.cluster.yaml' })], test: { include: ['tests/**/*.test.js'] } };
`;

describe('a session in which every cell is skipped', () => {
  let project: Project;
  let result: SessionResult;
  beforeAll(async () => {
    project = new Project({
      'configs/big.yaml': BIG,
      'pool.cluster.yaml': '{executor: local, hosts: [localhost], gpus: 0, labels: [cpu]}',
      'vitest.config.js': PLUGIN,
    });
    result = await project.run();
  });

  it('has no verdict, and says why', () => {
    expect(result.tests.map(({ status }) => status)).toEqual(result.tests.map(() => 'skipped'));
    expect(result.tests.length).toBeGreaterThan(10);
    expect(result.screen).toContain('no verdict: the one cell was skipped - insufficient_nodes (need 3, have 1)');
    expect(result.exitCode).toBe(3);
  });

  it('leaves evidence of what was not run', async () => {
    const [folder = ''] = result.launched;
    expect(result.launched).toHaveLength(1);
    expect(basename(dirname(dirname(folder)))).toBe('balanced-conc2');
    const manifest = readManifest(folder);
    expect(manifest).toMatchObject({
      status: 'skipped',
      skip: { reason: 'insufficient_nodes', detail: 'insufficient_nodes (need 3, have 1)' },
      bindings: {},
      failure: null,
      verdicts: [],
    });
    expect(manifest.tags).toContain('skipped_insufficient_nodes');
    await checkEvidence(folder, manifest, { hashes: 'all' });
    expect(readFileSync(join(folder, 'config.resolved.yaml'), 'utf8')).toContain('cell_id: balanced-conc2');
  });

  it('is a pass all the same when tests of the user pass beside it', async () => {
    project.write('tests/own.test.js', `import { test } from 'vitest';\ntest('own', () => {});\n`);
    expect((await project.run()).exitCode).toBe(0);
  });
});

describe('a config that only records', () => {
  it('skips the claim of a benchmark without a threshold, and judges the others', async () => {
    const open = ONE_CELL.replace(/ +- \{kind: Percentile.*\n/, '').replace('timeouts:', 'enforce: false\ntimeouts:');
    const project = new Project({ 'configs/quick.yaml': open });
    const { tests, exitCode, screen } = await project.run('--tags-filter', 'tier_5');
    expect(Object.fromEntries(tests.map(({ fullName, status }) => [fullName.replace(/\[.*/, ''), status]))).toEqual({
      throughput: 'passed',
      ttft_p99: 'skipped',
    });
    expect(screen).toContain('ttft_p99 has no threshold');
    expect(exitCode).toBe(0);
  });
});
