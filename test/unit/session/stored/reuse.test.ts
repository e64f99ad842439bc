import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../../../src/evidence/manifest.ts';
import { readManifest } from '../../../../src/evidence/run-reader.ts';
import { planSession, withImage } from '../../../../src/session/plan.ts';
import type { PlannedCell } from '../../../../src/session/plan.ts';
import { frameworks } from '../../../../src/session/registry.ts';
import { cachedRun, parseReuse, StoredRuns } from '../../../../src/session/stored/reuse.ts';
import { DEMO_CONFIG } from '../../demo-config.ts';
import { sessionOptions } from '../../session-options.ts';
import { leaveCompleteRun } from '../complete-run.ts';

/** A folder in which configs are planned one after the other, and their cells looked up. */
function setUp() {
  const root = mkdtempSync(join(tmpdir(), 'assay-reuse-'));
  const planOf = (config: string) => {
    writeFileSync(join(root, 'demo.yaml'), config);
    return planSession(sessionOptions({ root }), frameworks);
  };
  const cellOf = (config: string, cellId = 'conc1'): PlannedCell =>
    planOf(config).cells.find(({ cell }) => cell.cellId === cellId)!;
  const plan = planOf(DEMO_CONFIG);
  return {
    artifacts: plan.artifacts,
    planned: plan.cells[0]!,
    cellOf,
    leave: (planned: PlannedCell, change: Partial<Manifest> = {}) => leaveCompleteRun(plan, planned, change),
    cached: (planned: PlannedCell) => cachedRun(planned, plan.artifacts),
    find: (planned: PlannedCell) => new StoredRuns(plan.artifacts).find(planned),
  };
}

const NO_DATA: Manifest['verdicts'][number] = {
  benchmark: 'ttft_p99',
  kind: 'Percentile',
  metric: 'ttft_ms',
  op: '<=',
  expected: 50,
  actual: null,
  passed: false,
  margin: null,
  n: 0,
  outcome: 'no_data',
  detail: '',
  evidence: { file: 'samples.parquet' },
};

/** Why there is no hit. */
async function missOf(lookup: ReturnType<StoredRuns['find']>): Promise<string> {
  const found = await lookup;
  return found.state === 'miss' ? found.reason : `a hit: ${found.folder}`;
}

describe('a stored run stands for a launch', () => {
  it('when it is the newest complete one with the workload hash of the cell', async () => {
    const { leave, planned, find, cached } = setUp();
    expect(cached(planned)).toBeNull();
    await leave(planned);
    const newest = await leave(planned, { status: 'failed_verification', verdicts: [NO_DATA] });
    await leave(planned, { status: 'failed_setup' });
    expect(await find(planned)).toMatchObject({ state: 'hit', folder: newest, judgedAgain: null, damaged: [] });
    expect(cached(planned)).toBe(basename(newest));
  });

  it.each(['running', 'skipped', 'interrupted', 'failed_setup', 'failed_pattern', 'failed_parse'] as const)(
    'never when it is %s',
    async (status) => {
      const { leave, planned, find, cached } = setUp();
      await leave(planned, { status });
      expect(cached(planned)).toBeNull();
      expect(await missOf(find(planned))).toBe(`no run of this workload is complete (1 ${status})`);
    },
  );

  it('never when it was imported, or only shares the name of its folder', async () => {
    const { leave, planned, find, cached } = setUp();
    const imported = { file: 'a', sha256: planned.identity.configHash, format: 'x', imported_at: '', dropped: [] };
    await leave(planned, { imported });
    const sameSegment = `${planned.identity.workloadHash.slice(0, 30)}${'0'.repeat(41)}`;
    await leave(planned, { workload_hash: sameSegment });
    expect(await missOf(find(planned))).toBe('no run of this workload is complete (1 imported)');
    expect(cached(planned)).toBeNull();
  });

  it('never while the digest of its image is not known', async () => {
    const { leave, cellOf, find } = setUp();
    const cell = cellOf(`${DEMO_CONFIG}container: {image: "llama:1"}\n`);
    expect(await missOf(find(cell))).toContain('no run of this cell under');
    await leave(cell);
    expect(await missOf(find(cell))).toBe('llama:1 has no digest here, and container.digest does not pin it');
    const known = withImage(cell, `sha256:${'a'.repeat(64)}`);
    const folder = await leave(known);
    expect(await find(known)).toMatchObject({ state: 'hit', folder });
    const other = withImage(cell, `sha256:${'b'.repeat(64)}`);
    expect(await missOf(find(other))).toMatch(/^image_digest: .*aaa.* -> .*bbb/);
  });

  it.each([
    [
      'lacks a file',
      (folder: string) => rmSync(join(folder, 'config.resolved.yaml')),
      'config.resolved.yaml is missing',
    ],
    ['has a stray file', (folder: string) => writeFileSync(join(folder, 'x'), ''), 'does not list: x'],
    [
      'has lost rows',
      (folder: string) => writeFileSync(join(folder, 'rows.parquet'), 'PA'),
      'has 2 bytes, 4 were recorded',
    ],
    [
      'has other rows of the same size',
      (folder: string) => writeFileSync(join(folder, 'rows.parquet'), 'PAR2'),
      'was recorded',
    ],
    ['has half a manifest', (folder: string) => writeFileSync(join(folder, 'manifest.json'), '{"a'), 'is no JSON'],
  ])('but one that %s is passed over for the next, with the reason', async (_, damage, reason) => {
    const { leave, planned, find } = setUp();
    const older = await leave(planned);
    const newer = await leave(planned);
    damage(newer);
    const found = await find(planned);
    expect(found).toMatchObject({ state: 'hit', folder: older });
    expect(found.damaged).toEqual([{ folder: newer, reason: expect.stringContaining(reason) as string }]);
    damage(older);
    expect(await missOf(find(planned))).toBe('no run of this workload is complete (2 damaged)');
  });

  it('though its log was touched, which no figure is taken from', async () => {
    const { leave, planned, find } = setUp();
    const folder = await leave(planned);
    writeFileSync(join(folder, 'logs/server.localhost.log'), 'READY\n');
    expect(await find(planned)).toMatchObject({ state: 'hit', folder, damaged: [] });
  });

  it('never where its folder cannot be read, which is said', async () => {
    const { leave, planned, find, cached } = setUp();
    const workload = dirname(await leave(planned));
    rmSync(workload, { recursive: true });
    writeFileSync(workload, '');
    const found = await find(planned);
    expect(found).toMatchObject({ state: 'miss', damaged: [{ folder: workload }] });
    expect(found.damaged[0]?.reason).toContain('cannot be read: ENOTDIR');
    expect(cached(planned)).toBeNull();
  });
});

describe('a stored run is judged again', () => {
  it('when a threshold changed, and once', async () => {
    const { leave, planned, find, cellOf } = setUp();
    const folder = await leave(planned, { verdicts: [NO_DATA] });
    const today = cellOf(DEMO_CONFIG.replace('value: 50', 'value: 90'));
    expect(await find(today)).toMatchObject({
      state: 'hit',
      folder,
      judgedAgain: { what: 'thresholds', changes: ['ttft_p99 50 -> 90'] },
      manifest: { verification_hash: today.identity.verificationHash, verdicts: [{ expected: 90 }] },
    });
    expect(readManifest(folder).verification_hash).toBe(today.identity.verificationHash);
    expect(await find(today)).toMatchObject({ state: 'hit', folder, judgedAgain: null });
  });

  it('when misses are recorded now that failed before', async () => {
    const { leave, planned, find, cellOf } = setUp();
    await leave(planned, { status: 'failed_verification' });
    const recording = cellOf(`${DEMO_CONFIG}enforce: false\n`);
    expect(recording.identity.verificationHash).toBe(planned.identity.verificationHash);
    expect(await find(recording)).toMatchObject({ state: 'hit', manifest: { status: 'recorded', enforce: false } });
  });

  it('when misses fail now that an older version recorded', async () => {
    const { leave, planned, find } = setUp();
    // It says nothing of `enforce`, which reads as true.
    await leave(planned, { status: 'recorded', enforce: true });
    expect(await find(planned)).toMatchObject({
      manifest: { status: 'failed_verification' },
      judgedAgain: { what: 'thresholds' },
    });
  });

  it('when its rows were read again since', async () => {
    const { leave, planned, find } = setUp();
    await leave(planned, { reparses: [{ reparsed_at: new Date().toISOString(), tool_version: '1' }] });
    expect(await find(planned)).toMatchObject({ state: 'hit', judgedAgain: { changes: ['ttft_p99 new'] } });
  });
});

describe('a miss says why', () => {
  it('when there is no run', async () => {
    const { artifacts, planned, find } = setUp();
    const place = relative(process.cwd(), artifacts);
    expect(await find(planned)).toMatchObject({ reason: `no run of this cell under ${place}/`, nearest: null });
  });

  it('by the hashed field that differs from a run of the same cell', async () => {
    const { leave, planned, find, cellOf } = setUp();
    const folder = await leave(planned);
    const today = cellOf(DEMO_CONFIG.replace('attention: none', 'attention: fa'));
    expect(await find(today)).toMatchObject({
      reason: 'knobs.attention: none -> fa',
      nearest: { run_id: basename(folder) },
    });
  });

  it('by the first three of many fields', async () => {
    const { leave, planned, find, cellOf } = setUp();
    await leave(planned);
    const today = DEMO_CONFIG.replace('attention: none', 'attention: fa').replace('osl: 4', 'osl: 5');
    expect(await missOf(find(cellOf(`${today.replace('f32}', 'f16}').replace('isl: 8', 'isl: 9')}seed: 3\n`)))).toBe(
      'knobs.attention: none -> fa, model.precision: f32 -> f16, params.isl: 8 -> 9 and 2 more',
    );
  });

  it('by the nearest of its runs, of equal ones the newest, and complete ones only', async () => {
    const { leave, planned, find, cellOf } = setUp();
    const seeded = (seed: number) => cellOf(`${DEMO_CONFIG}seed: ${seed}\n`);
    await leave(planned);
    await leave(seeded(1));
    await leave(cellOf(`${DEMO_CONFIG.replace('isl: 8', 'isl: 9')}seed: 2\n`));
    await leave(seeded(2), { status: 'failed_setup' });
    expect(await missOf(find(seeded(3)))).toBe('seed: 1 -> 3');
  });

  it('by the nearest run of another cell, where it has none', async () => {
    const { leave, cellOf, find, planned } = setUp();
    await leave(planned);
    await leave(cellOf(DEMO_CONFIG, 'conc2'));
    const wider = cellOf(DEMO_CONFIG.replace('[1, 2]', '[1, 2, 4]'), 'conc4');
    expect(await missOf(find(wider))).toBe('no run of this cell, nearest is conc2: params.concurrency: 2 -> 4');
  });

  it('as far as older runs tell', async () => {
    const { leave, cellOf, find, planned } = setUp();
    await leave(planned, { workload_inputs: null });
    const reason = await missOf(find(cellOf(`${DEMO_CONFIG}seed: 3\n`)));
    expect(reason).toBe('the stored runs do not tell their inputs (written by an older version)');
  });

  it('of a model file whose content changed', async () => {
    const { leave, cellOf, find, artifacts } = setUp();
    const config = DEMO_CONFIG.replace('id: tiny,', 'id: tiny, path: m/tiny.gguf,');
    const folder = join(artifacts, '..', 'm');
    mkdirSync(folder);
    writeFileSync(join(folder, 'tiny.gguf'), 'one');
    await leave(cellOf(config));
    writeFileSync(join(folder, 'tiny.gguf'), 'two!');
    expect(await missOf(find(cellOf(config)))).toMatch(/^files\.model: sha256:\S+ -> sha256:\S+$/);
    expect(readFileSync(join(folder, 'tiny.gguf'), 'utf8')).toBe('two!');
  });
});

describe('parseReuse', () => {
  it('takes its three words, and names the place, the value and the words of a mistake', () => {
    expect(['off', 'prefer', 'only'].map((mode) => parseReuse(mode, ''))).toEqual(['off', 'prefer', 'only']);
    const mistake = { code: 'USAGE', message: 'ASSAY_REUSE=prefr: stored runs are reused off, prefer or only' };
    expect(() => parseReuse('prefr', 'ASSAY_REUSE=')).toThrow(
      expect.objectContaining({ ...mistake, hint: 'did you mean prefer?' }),
    );
  });
});
