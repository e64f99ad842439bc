import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { amendRun } from '../../../../src/evidence/amend-run.ts';
import type { Manifest } from '../../../../src/evidence/manifest.ts';
import { checkEvidence, readEvents, readManifest } from '../../../../src/evidence/run-reader.ts';
import { writeManifest } from '../../../../src/evidence/run-writer.ts';
import { readVerification } from '../../../../src/evidence/verification.ts';
import type { ParseContext, RunContext, WorkloadResult } from '../../../../src/lifecycle/adapter.ts';
import { planSession } from '../../../../src/session/plan.ts';
import type { PlannedCell, SessionPlan } from '../../../../src/session/plan.ts';
import { frameworks } from '../../../../src/session/registry.ts';
import { previewRejudge, rejudge } from '../../../../src/session/stored/rejudge.ts';
import { DEMO_CONFIG } from '../../demo-config.ts';
import { point, sample } from '../../evidence/rows.ts';
import { contextOf, runQuietly, Serving } from '../../lifecycle/job-bench.ts';
import { sessionOptions } from '../../session-options.ts';
import { startPlanned } from '../../started-run.ts';

/** A percentile with its worst requests, a rate over the window, and a goodput. */
const THREE_KINDS = DEMO_CONFIG.replace(/^benchmarks:[^]*/m, '').concat(`benchmarks: [ttft_p99, throughput, goodput]
thresholds:
  - {kind: Percentile, metric: ttft_ms, percentile: 99, op: "<=", value: 50}
  - {kind: Rate, metric: throughput, per_unit: sec, op: ">=", min_rate: 3.1}
  - {kind: Goodput, ttft_max_ms: 30, tpot_max_ms: 40, op: ">=", min_qps: 1}
`);

/** It says so much before it is up that a test has room for another log. */
const SLEEPER = {
  file: process.execPath,
  args: ['-e', 'console.log("-".repeat(99)); console.log("up"); setInterval(() => {}, 1000)'],
};

/** A workload whose eight requests took up to 80 ms to the first token. */
class Measured extends Serving {
  override async parse({ writer }: ParseContext): Promise<WorkloadResult> {
    for (let n = 1; n <= 8; n++) {
      writer.sample(sample({ requestId: `r${n}`, ttftMs: n * 10 + 1 / 3, tpotMs: 1 / n, ok: n !== 5 }));
    }
    for (let step = 1; step < 4; step++) writer.point(point({ step, value: 1 / step }));
    return {
      scalars: { completed: null, odd: Number.NaN, zero: -0, ttft_mean_ms: 10 / 3 },
      applied: {},
      frameworkVersions: {},
      startedAtMs: 1_700_000_000_000.125,
      durationMs: 1000 / 3,
    };
  }
}

class Project {
  readonly root = mkdtempSync(join(tmpdir(), 'assay-rejudge-'));

  /** The first cell and its plan by a config. */
  plan(config: string): SessionPlan & { readonly first: PlannedCell } {
    writeFileSync(join(this.root, 'demo.yaml'), config);
    const plan = planSession(sessionOptions({ root: this.root }), frameworks);
    return { ...plan, first: plan.cells[0]! };
  }

  cell(config: string): PlannedCell {
    return this.plan(config).first;
  }

  /** Runs the first cell of a config through its job. */
  async run(
    config: string,
    adapter = new Measured(SLEEPER),
  ): Promise<{ readonly folder: string; readonly manifest: Manifest }> {
    const plan = this.plan(config);
    const request = startPlanned(plan.first, plan);
    const context = contextOf(request);
    try {
      return { folder: request.folder, manifest: await runQuietly(adapter, context) };
    } finally {
      await context.hosts.close();
    }
  }
}

/** Changes a file of an ended run, and what its manifest says of it. */
async function replaceFile(folder: string, path: string, content: string): Promise<void> {
  await amendRun(folder, (manifest) => {
    writeFileSync(join(folder, path), content);
    return Promise.resolve({ manifest, files: { [path]: null } });
  });
}

const LOOSE = DEMO_CONFIG.replace('value: 50', 'value: 90');
const TIGHT = DEMO_CONFIG.replace('value: 50', 'value: 5');

describe('rejudge', () => {
  it('gives what the fresh run gave, to the last bit', async () => {
    const project = new Project();
    const { folder, manifest } = await project.run(THREE_KINDS);
    const other = await rejudge(folder, project.cell(THREE_KINDS.replace('value: 50', 'value: 51')));
    expect(other.after.verdicts).not.toEqual(manifest.verdicts);
    const { verifications: _, ...again } = (await rejudge(folder, project.cell(THREE_KINDS))).manifest;
    const { verifications: __, sidecars: ___, ...fresh } = manifest;
    expect(JSON.stringify({ ...again, sidecars: {} })).toBe(JSON.stringify({ ...fresh, sidecars: {} }));
    expect(manifest.verdicts).toHaveLength(3);
    expect(manifest.verdicts.every(({ actual }) => actual !== null)).toBe(true);
  });

  it('writes the very file that the fresh run wrote, but for the time', async () => {
    const project = new Project();
    const { folder, manifest } = await project.run(THREE_KINDS);
    const file = join(folder, manifest.verifications[0]!.file);
    const fresh = readFileSync(file, 'utf8');
    await rejudge(folder, project.cell(LOOSE));
    await rejudge(folder, project.cell(THREE_KINDS));
    const timeless = (text: string): string => text.replace(/"verified_at": "[^"]*"/, '');
    expect(timeless(readFileSync(file, 'utf8'))).toBe(timeless(fresh));
  });

  it('turns a failure into a pass when the threshold allows it, launches nothing, and keeps both', async () => {
    const project = new Project();
    const { folder, manifest } = await project.run(DEMO_CONFIG);
    expect(manifest.status).toBe('failed_verification');
    const [events, runs] = [readEvents(folder), readdirSync(dirname(folder))];
    const { after, before, changes, manifest: now } = await rejudge(folder, project.cell(LOOSE));
    expect([before.status, after.status]).toEqual(['failed_verification', 'passed']);
    expect(now).toMatchObject({ status: 'passed', failure: null, verification_hash: after.verificationHash });
    expect(changes).toMatchObject([
      {
        benchmark: 'ttft_p99',
        before: { outcome: 'failed', expected: 50 },
        after: { outcome: 'passed', expected: 90 },
      },
    ]);
    const kept = now.verifications.map((entry) => readVerification(folder, entry));
    expect(kept.map(({ status, failure }) => [status, failure?.message ?? null])).toEqual([
      ['failed_verification', manifest.failure?.message],
      ['passed', null],
    ]);
    expect(kept[1]?.thresholds).toEqual(project.cell(LOOSE).cell.thresholds);
    expect(readEvents(folder)).toEqual(events);
    expect(readdirSync(dirname(folder))).toEqual(runs);
    await checkEvidence(folder, readManifest(folder), { hashes: 'all' });
  });

  it('fails a run that had passed when the threshold got tighter', async () => {
    const project = new Project();
    const { folder } = await project.run(LOOSE);
    const { manifest } = await rejudge(folder, project.cell(TIGHT));
    expect(manifest).toMatchObject({ status: 'failed_verification', failure: { category: 'verification_failure' } });
    expect(manifest.failure?.message).toContain('must be <= 5 ms');
  });

  it('lists judgements oldest first; one made again moves to the end', async () => {
    const project = new Project();
    const { folder, manifest } = await project.run(DEMO_CONFIG);
    const loose = project.cell(LOOSE);
    await rejudge(folder, loose);
    await rejudge(folder, project.cell(TIGHT));
    const { manifest: now } = await rejudge(folder, loose);
    const hashes = now.verifications.map((entry) => entry.verification_hash);
    expect(hashes).toEqual([
      manifest.verification_hash,
      project.cell(TIGHT).identity.verificationHash,
      loose.identity.verificationHash,
    ]);
    expect(now.verifications.map((entry) => entry.verified_at)).toEqual(
      now.verifications.map((entry) => entry.verified_at).sort(),
    );
  });

  it('does nothing when the run was judged that way last', async () => {
    const project = new Project();
    const { folder } = await project.run(DEMO_CONFIG);
    const before = readFileSync(join(folder, 'manifest.json'), 'utf8');
    expect((await rejudge(folder, project.cell(DEMO_CONFIG))).changes).toEqual([]);
    expect(readFileSync(join(folder, 'manifest.json'), 'utf8')).toBe(before);
  });

  it('judges again by the same thresholds when the rows were read again since', async () => {
    const project = new Project();
    const { folder, manifest } = await project.run(DEMO_CONFIG);
    const reparsed_at = new Date(Date.now() + 1).toISOString();
    writeManifest(folder, { ...manifest, verdicts: [], reparses: [{ reparsed_at, tool_version: '9' }] });
    const { after } = await rejudge(folder, project.cell(DEMO_CONFIG));
    expect(after.verdicts).toEqual(manifest.verdicts);
  });

  it('only records what a config does not enforce any more', async () => {
    const project = new Project();
    const { folder } = await project.run(DEMO_CONFIG);
    const { manifest } = await rejudge(folder, project.cell(`${DEMO_CONFIG}enforce: false\n`));
    expect(manifest).toMatchObject({ status: 'recorded', enforce: false, failure: null });
    expect(manifest.verdicts[0]?.passed).toBe(false);
    const back = await rejudge(folder, project.cell(DEMO_CONFIG));
    expect(back.after.status).toBe('failed_verification');
  });

  it('judges a run whose judging broke: that was no verdict', async () => {
    const project = new Project();
    const { folder, manifest } = await project.run(LOOSE);
    const failure = { category: 'verification_failure', originated_in_phase: 'verify', message: 'full', evidence: [] };
    const broken = { ...manifest, status: 'failed_verification', failure } as Manifest;
    // Before the judgement was written, and after.
    for (const left of [{ verdicts: [], verifications: [] }, {}]) {
      writeManifest(folder, { ...broken, ...left, sidecars: readManifest(folder).sidecars });
      const { after } = await rejudge(folder, project.cell(LOOSE));
      expect(after).toMatchObject({ status: 'passed', verdicts: manifest.verdicts });
    }
    await checkEvidence(folder, readManifest(folder), { hashes: 'all' });
  });

  it('lists no judgement that could not be written', async () => {
    const project = new Project();
    class Full extends Measured {
      override verify(...args: Parameters<Measured['verify']>): ReturnType<Measured['verify']> {
        // In the way of the folder.
        writeFileSync(join(this.folder, 'verifications'), '');
        return super.verify(...args);
      }

      folder = '';

      override launch(context: RunContext): Promise<void> {
        this.folder = context.request.folder;
        return super.launch(context);
      }
    }
    const { manifest } = await project.run(LOOSE, new Full(SLEEPER));
    expect(manifest).toMatchObject({ status: 'failed_verification', verdicts: [], verifications: [] });
  });

  it('leaves a run alone that did not come through its load', async () => {
    const project = new Project();
    const dying = new Measured(SLEEPER, () => Promise.reject(new Error('the client broke')));
    const { folder, manifest } = await project.run(DEMO_CONFIG, dying);
    expect(manifest.status).toBe('failed_safety');
    const { after, changes } = await rejudge(folder, project.cell(LOOSE));
    expect([after.status, changes]).toEqual(['failed_safety', []]);
    expect(readManifest(folder)).toEqual(manifest);
  });

  it('gives a run without a history its first entry from what its manifest says', async () => {
    const project = new Project();
    const { folder, manifest } = await project.run(DEMO_CONFIG);
    const [entry] = manifest.verifications;
    const old = {
      verification_hash: manifest.verification_hash,
      verified_at: '2025-01-01T00:00:00.000Z',
      verdicts: [],
    };
    await replaceFile(folder, entry!.file, JSON.stringify(old));
    const { verifications: _, enforce: __, ...before12 } = readManifest(folder);
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ ...before12, schema_version: '1.1' }));
    const { manifest: now } = await rejudge(folder, project.cell(LOOSE));
    expect(now.verifications.map(({ status, verified_at }) => [status, verified_at])[0]).toEqual([
      'failed_verification',
      '2025-01-01T00:00:00.000Z',
    ]);
    expect(now.verifications).toHaveLength(2);
    const first = readVerification(folder, now.verifications[0]!);
    expect(first).toMatchObject({ failure: manifest.failure, verdicts: manifest.verdicts, thresholds: null });
    await checkEvidence(folder, now, { hashes: 'all' });
  });

  it('holds the logs against a catalogue that is new to the run, until it lets go', async () => {
    const project = new Project();
    const { folder, manifest } = await project.run(LOOSE);
    const log = 'logs/server.localhost.log';
    await replaceFile(folder, log, 'Segmentation fault (core dumped)\n');
    const judgedBy = (patterns: string): Promise<void> => {
      const last = readManifest(folder).verifications.at(-1)!;
      return replaceFile(folder, last.file, JSON.stringify({ ...readVerification(folder, last), patterns }));
    };
    // By the same catalogue they are not looked at again: what a server says while it is stopped is not of the run.
    expect((await rejudge(folder, project.cell(DEMO_CONFIG))).after.status).toBe('failed_verification');
    await judgedBy('sha256:other');
    const { manifest: hit } = await rejudge(folder, project.cell(LOOSE));
    expect(hit).toMatchObject({
      status: 'failed_pattern',
      failure: { category: 'failure_pattern_matched', evidence: ['Segmentation fault (core dumped)'] },
      verdicts: manifest.verdicts,
    });
    // Other thresholds do not take it back.
    expect((await rejudge(folder, project.cell(TIGHT))).after.status).toBe('failed_pattern');
    const recording = project.cell(`${TIGHT}enforce: false\n`);
    const recorded = (await rejudge(folder, recording)).manifest;
    expect(recorded).toMatchObject({ status: 'failed_pattern', enforce: false });
    expect((await rejudge(folder, recording)).manifest).toEqual(recorded);
    await replaceFile(folder, log, 'up\n');
    await judgedBy('sha256:other');
    expect((await rejudge(folder, project.cell(LOOSE))).after.status).toBe('passed');
  });

  it('finds nothing in what a server said while it was stopped', async () => {
    const project = new Project();
    const script =
      'process.on("SIGTERM", () => { console.log("Segmentation fault"); process.exit(0); }); console.log("up"); setInterval(() => {}, 1000)';
    const { folder } = await project.run(LOOSE, new Measured({ file: process.execPath, args: ['-e', script] }));
    expect(readFileSync(join(folder, 'logs/server.localhost.log'), 'utf8')).toBe('up\nSegmentation fault\n');
    const [entry] = readManifest(folder).verifications;
    const before = { ...readVerification(folder, entry!), patterns: 'sha256:other' };
    await replaceFile(folder, entry!.file, JSON.stringify(before));
    expect((await rejudge(folder, project.cell(THREE_KINDS))).after.status).toBe('failed_verification');
  });

  it.each(['samples.parquet', 'trajectory.parquet'])('never judges a %s that has changed', async (table) => {
    const project = new Project();
    const { folder } = await project.run(DEMO_CONFIG);
    const path = join(folder, table);
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(path, bytes);
    const manifest = readManifest(folder);
    for (const config of [LOOSE, DEMO_CONFIG]) {
      await expect(rejudge(folder, project.cell(config))).rejects.toMatchObject({
        code: 'EVIDENCE_DAMAGED',
        message: expect.stringContaining(path) as string,
      });
    }
    rmSync(path);
    await expect(rejudge(folder, project.cell(LOOSE))).rejects.toMatchObject({ code: 'EVIDENCE_MISSING' });
    expect(readManifest(folder)).toEqual(manifest);
  });

  it('makes up for a death between the verdicts and the manifest', async () => {
    const project = new Project();
    const { folder } = await project.run(DEMO_CONFIG);
    const before = readFileSync(join(folder, 'manifest.json'), 'utf8');
    const { manifest } = await rejudge(folder, project.cell(LOOSE));
    // What a kill before the manifest's rename leaves.
    writeFileSync(join(folder, 'manifest.json'), before);
    const left = manifest.verifications.at(-1)!.file;
    expect(existsSync(join(folder, left))).toBe(true);
    await checkEvidence(folder, readManifest(folder), { hashes: 'all' });
    const again = await rejudge(folder, project.cell(LOOSE));
    expect(again.after.status).toBe('passed');
    expect(again.manifest.sidecars[left]?.sha256).toMatch(/^sha256:/);
    await checkEvidence(folder, again.manifest, { hashes: 'all' });
  });

  it('loses nothing when several judge at once', async () => {
    const project = new Project();
    const { folder } = await project.run(DEMO_CONFIG);
    const cells = [60, 70, 80, 90].map((value) => project.cell(DEMO_CONFIG.replace('value: 50', `value: ${value}`)));
    await Promise.all(cells.map((planned) => rejudge(folder, planned)));
    const manifest = readManifest(folder);
    expect(manifest.verifications).toHaveLength(5);
    expect(manifest.verification_hash).toBe(manifest.verifications.at(-1)?.verification_hash);
    await checkEvidence(folder, manifest, { hashes: 'all' });
  });
});

describe('previewRejudge', () => {
  it('says what rejudge would make of a run, and leaves it as it is', async () => {
    const project = new Project();
    const { folder } = await project.run(DEMO_CONFIG);
    const files = (): string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
    const [manifest, present] = [readManifest(folder), files()];
    const preview = await previewRejudge(folder, project.cell(LOOSE));
    expect([readManifest(folder), files()]).toEqual([manifest, present]);
    const real = await rejudge(folder, project.cell(LOOSE));
    expect(preview.changes).toEqual(real.changes);
    expect(preview.after).toEqual(real.after);
  });
});
