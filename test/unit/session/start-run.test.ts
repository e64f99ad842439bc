import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gitSha } from '../../../src/core/git-sha.ts';
import { hashOf } from '../../../src/core/hash.ts';
import { findRuns } from '../../../src/evidence/store/find-runs.ts';
import type { Manifest } from '../../../src/evidence/manifest.ts';
import { readManifest } from '../../../src/evidence/run-reader.ts';
import { planSession, withImage } from '../../../src/session/plan.ts';
import type { SessionPlan } from '../../../src/session/plan.ts';
import { frameworks } from '../../../src/session/registry.ts';
import { recordSkip } from '../../../src/session/start-run.ts';
import { DEMO_CONFIG } from '../demo-config.ts';
import { sessionOptions } from '../session-options.ts';
import { startPlanned } from '../started-run.ts';

const DIGEST = `sha256:${'d'.repeat(64)}`;

function planOf(config: string): SessionPlan {
  const root = mkdtempSync(join(tmpdir(), 'assay-start-'));
  writeFileSync(join(root, 'demo.yaml'), config);
  return planSession(sessionOptions({ root }), frameworks);
}

function firstManifest(config: string, imageDigest: string | null = null): Manifest {
  const plan = planOf(config);
  const [planned] = plan.cells;
  return readManifest(startPlanned(imageDigest === null ? planned! : withImage(planned!, imageDigest), plan).folder);
}

describe('the first manifest of a run', () => {
  it('says who started it, with which tool, and how it is to be judged', () => {
    const head = existsSync('.git') ? execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim() : null;
    const manifest = firstManifest(`${DEMO_CONFIG}enforce: false\n`);
    expect(manifest).toMatchObject({
      tool: { name: 'vitest-assay', git_sha: head },
      // The config lies outside of any repository.
      git_sha: null,
      invoker: { user: userInfo().username },
      enforce: false,
    });
    expect(manifest.invoker?.argv).not.toContain(process.execPath);
  });

  it('says what its workload hash is made of, whatever that is', () => {
    const given = fc.record({
      quant: fc.stringMatching(/^[a-z]{1,8}$/),
      prompts: fc.integer({ min: 1, max: 1000 }),
      isPinned: fc.boolean(),
      seed: fc.nat(9),
      found: fc.constantFrom(null, DIGEST),
    });
    fc.assert(
      fc.property(given, ({ quant, prompts, isPinned, seed, found }) => {
        const digest = isPinned ? `, digest: "${DIGEST}"` : '';
        const config = DEMO_CONFIG.replace('quant: f32', `quant: ${quant}`)
          .replace('num_prompts: 10', `num_prompts: ${prompts}`)
          .concat(`container: {image: "demo:1", runtime: podman, env: {A: b}${digest}}\nseed: ${seed}\n`);
        const { workload_inputs: inputs, workload_hash: hash } = firstManifest(config, found);
        expect(hashOf(inputs)).toBe(hash);
        expect(inputs).toMatchObject({ image_digest: isPinned ? DIGEST : (found ?? 'demo:1'), seed, knobs: { quant } });
      }),
      { numRuns: 20 },
    );
  });

  it('says of a skipped cell what would have been run', async () => {
    const plan = planOf(DEMO_CONFIG);
    const [planned] = plan.cells;
    await recordSkip(planned!, { reason: 'insufficient_nodes', detail: 'need 4, have 3' }, plan);
    const [folder] = findRuns(plan.artifacts);
    const { workload_inputs: inputs, workload_hash: hash, status } = readManifest(folder!);
    expect(status).toBe('skipped');
    expect(hashOf(inputs)).toBe(hash);
  });
});

describe('gitSha', () => {
  it('is that of the repository around the folder, even in the hook of another', () => {
    const root = mkdtempSync(join(tmpdir(), 'assay-git-'));
    const git = (...args: readonly string[]): string =>
      execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: root, encoding: 'utf8' });
    git('init', '--quiet');
    git('commit', '--quiet', '--allow-empty', '--message=first');
    const head = git('rev-parse', 'HEAD').trim();
    process.env['GIT_DIR'] = join(mkdtempSync(join(tmpdir(), 'assay-other-')), '.git');
    try {
      expect(gitSha(root)).toBe(head);
    } finally {
      delete process.env['GIT_DIR'];
    }
    expect(gitSha(mkdtempSync(join(tmpdir(), 'assay-none-')))).toBe(null);
  });
});
