import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { Manifest } from '../../src/evidence/manifest.ts';
import { readManifest } from '../../src/evidence/run-reader.ts';
import { localExecutor } from '../../src/exec/local.ts';
import { failsOfItself, outcomesOf, shippedClaims, spreadProject } from './claim-outcomes.ts';
import type { Outcome } from './claim-outcomes.ts';
import { changeByte, editRun, leaveOrphan, passAsIf } from './edited-runs.ts';
import type { Edit } from './edited-runs.ts';
import { EMULATED } from './emulated.ts';
import { contained, FAILING } from './failing-frameworks.ts';
import { ONE_CELL, REPOSITORY } from './project.ts';
import type { Project } from './project.ts';

// Every framework fails in the ways that matter, by programs that fail as its own do: what its run says then, and that
// nothing outlives it. And every claim of the package holds of one run here, and fails on another.

interface Ended {
  readonly project: Project;
  /** Folders by the ids of their configs, less `emulated_`. */
  readonly folders: Readonly<Record<string, string>>;
  readonly outcomes: readonly Outcome[];
  readonly screen: string;
}

async function end(project: Project): Promise<Ended> {
  const { launched, screen } = await project.run();
  const folders = launched.map((folder) => [readManifest(folder).test_id.replace('emulated_', ''), folder]);
  return { project, folders: Object.fromEntries(folders), outcomes: outcomesOf(project), screen };
}

const sessions = new Map<string, Promise<Ended>>();

/** Runs a session, whichever test asks for it first. */
function once(name: string, run: () => Promise<Ended>): Promise<Ended> {
  const session = sessions.get(name) ?? run();
  sessions.set(name, session);
  return session;
}

function failing(name: string): Promise<Ended> {
  const { ends = {}, ...options } = FAILING[name] ?? {};
  const only = Object.keys(ends).filter((config) => EMULATED.includes(config));
  return once(name, () => end(spreadProject({ ...options, only })));
}

describe('a framework that fails', () => {
  it.each(Object.keys(FAILING))('by %s', async (name) => {
    const { folders } = await failing(name);
    const ran = Object.entries(folders).map(([config, folder]) => [config, readManifest(folder)] as const);
    const expected = Object.entries(FAILING[name]?.ends ?? {}).map(([config, [status, category, message]]) => [
      config,
      { status, category, message: message === null ? null : expect.stringMatching(message) },
    ]);
    const lastWords = ran.flatMap(([config, { failure }]) =>
      (failure?.evidence ?? []).map((line) => `${config} | ${line}`),
    );
    expect(
      Object.fromEntries(ran.map(([config, manifest]) => [config, endOf(manifest)])),
      lastWords.join('\n'),
    ).toEqual(Object.fromEntries(expected));
    for (const [, manifest] of ran) await expectCleanedUp(manifest);
  });
});

function endOf({ status, failure }: Manifest) {
  return { status, category: failure?.category ?? null, message: failure?.message ?? null };
}

async function expectCleanedUp({ run_id, teardown }: Manifest): Promise<void> {
  expect(teardown).toEqual({ orphans: 0, kept: false, unconfirmed: [], error: null });
  expect(await localExecutor('localhost').findLabelled(run_id)).toEqual([]);
}

/** The two that run here for real. */
const EMBEDDED = {
  'configs/served.yaml': ONE_CELL.replace('test_id: quick', 'test_id: served')
    .replace('seed:', `dataset: {id: held_out, path: ${join(REPOSITORY, 'fixtures/models/heldout.txt')}}\nseed:`)
    .replace('ttft_p99]', 'ttft_p99, perplexity]')
    .replace('timeouts:', '  - {kind: Convergence, metric: perplexity, target: 4, epsilon: 6, op: "<="}\ntimeouts:'),
  'configs/trained.yaml': `schema_version: "2"
test_id: trained
target_gpu: cpu
framework: jax_js
workload_kind: training
topology: {roles: {worker: {count: 1, selector: cpu}}}
model: {id: byte_llama, precision: f32}
dataset: {id: corpus, path: ${join(REPOSITORY, 'fixtures/models/corpus')}, window_length: 128}
params: {ranks: 2, steps: 24, micro_batch_size: 4, sequence_length: 64, warmup_steps: 3}
benchmarks: [convergence, loss_finite, no_straggler]
thresholds:
  - {kind: Convergence, metric: loss, target: 2, epsilon: 6, op: "<="}
timeouts: {launch: 60s}
`,
};

const QUANTILES = ['ttft', 'tpot', 'itl', 'e2el'].flatMap((metric) => [50, 90, 95, 99].map((p) => ({ metric, p })));

/** Benchmarks that a config asks for beside its own, each with a threshold that every run meets. */
const FURTHER: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  vllm: {
    ...Object.fromEntries(
      QUANTILES.map(({ metric, p }) => [
        `${metric}_p${p}`,
        `{kind: Percentile, metric: ${metric}_ms, percentile: ${p}, op: "<=", value: 20000}`,
      ]),
    ),
    ...rates('total_token_throughput', 'request_throughput'),
  },
  megatron: rates('tokens_per_gpu', 'tflops_per_gpu'),
};

function rates(...names: readonly string[]): Readonly<Record<string, string>> {
  const threshold = (metric: string): string =>
    `{kind: Rate, metric: ${metric}, per_unit: sec, op: ">=", min_rate: 0.001}`;
  return Object.fromEntries(names.map((name) => [name, threshold(name)]));
}

/** The text of a config that asks for further benchmarks. */
function askMore(config: string, name: string): string {
  const missing = Object.entries(FURTHER[name] ?? {}).filter(([benchmark]) => !config.includes(`${benchmark},`));
  const lines = missing.map(([, threshold]) => `  - ${threshold}\n`);
  return config
    .replace('benchmarks: [', `benchmarks: [${missing.map(([benchmark]) => `${benchmark}, `).join('')}`)
    .replace('timeouts:', `${lines.join('')}timeouts:`);
}

const passing = () => once('passing', () => end(spreadProject({ files: EMBEDDED, change: askMore })));

/** A kernel that tells of lost GPU memory as soon as a program runs. */
const brokenGpu = () =>
  once('broken GPU', () => {
    const bin = mkdtempSync(join(tmpdir(), 'assay-bin-'));
    const project = spreadProject({ only: ['wan'], bin: [bin] });
    const fault = '[ 4053.1] amdgpu 0000:c3:00.0: amdgpu: 2 uncorrectable hardware errors detected in umc block';
    const logs = join(project.root, 'runs/*/*/*/*/logs/worker.*.log');
    const dmesg = `#!/bin/sh\necho '[    1.0] ready'\nif ls ${logs} >/dev/null 2>&1; then echo '${fault}'; fi\n`;
    writeFileSync(join(bin, 'dmesg'), dmesg, { mode: 0o755 });
    return end(project);
  });

/** What is said in the evidence of a run instead, by its config. */
const EDITS: Readonly<Record<string, Edit>> = {
  vllm: { scalars: { requests: 1, server_output_tokens: 1 } },
  sglang: { scalars: { handoffs_unmatched: 1 } },
  inferencemax: { scalars: { mean_input_tokens: 1 } },
  megatron: { trajectory: `* FROM TABLE WHERE NOT (metric = 'loss' AND step = 7)` },
  jax: { trajectory: `* FROM TABLE WHERE NOT (metric = 'loss' AND step = 7 AND host = 'jax1')` },
  torchtitan: {},
  flux: { scalars: { completed: 7 }, samples: '* REPLACE (generation_ms AS vae_decode_ms) FROM TABLE' },
  wan: {},
  served: {
    scalars: { client_event_loop_delay_max_ms: 60_000, server_output_tokens: 1 },
    samples: '* REPLACE (1 AS input_tokens) FROM TABLE',
    trajectory: `* REPLACE (CASE WHEN metric = 'nll' THEN 9 ELSE value END AS value) FROM TABLE`,
  },
  trained: {
    scalars: { weights_agree: 0, model_intact: 0, parameters: 1, loss_first: 1, heldout_nll: 3 },
    trajectory: `* REPLACE (CASE WHEN metric = 'loss' AND rank = 1 THEN value + 1 ELSE value END AS value) FROM TABLE`,
  },
};

/** The text of a config with thresholds that nothing meets. */
function unmet(config: string): string {
  return config
    .replaceAll(/min_rate: [\d.]+/g, 'min_rate: 1.0e12')
    .replaceAll(/min_qps: [\d.]+/g, 'min_qps: 1.0e12')
    .replaceAll(/value: \d+/g, 'value: 0.000001')
    .replaceAll(/target: \d+/g, 'target: -1000')
    .replaceAll('tolerance: 2', 'tolerance: 0, direction: non_decreasing')
    .replaceAll(/max_variance: \d+/g, 'max_variance: 0.000001');
}

/** The passing runs once more, by thresholds that nothing meets, after their evidence was edited. */
const edited = async () => {
  const [{ folders, project }, refused] = [await passing(), await failing(REFUSED)];
  return once('edited', async () => {
    const { root } = project;
    passAsIf({
      passed: folders['vllm'] ?? '',
      root,
      failed: refused.folders['contained'] ?? '',
      failedRoot: refused.project.root,
    });
    for (const [config, edit] of Object.entries(EDITS)) {
      await editRun(folders[config] ?? '', edit);
      const path = `configs/${config}.yaml`;
      project.write(path, unmet(readFileSync(join(root, path), 'utf8')));
    }
    await leaveOrphan(folders['wan'] ?? '');
    changeByte(folders['flux'] ?? '', 'logs/worker.flux1.log');
    project.write('configs/contained.yaml', contained);
    vi.stubEnv('ASSAY_REUSE', 'only');
    const ended = await end(project);
    vi.unstubAllEnvs();
    return ended;
  });
};

/**
 * Claims that no run here fails by itself: evidence was edited. Those of benchmarks are left out, of which some are
 * missed by thresholds alone.
 */
const ONLY_EDITED = `
frameworks/inferencemax.test.ts recipe_applied lengths_in_range
frameworks/jax-js.test.ts ranks_applied steps_applied batch_applied loss_exchanged weights_agree model_intact
frameworks/jax.test.ts parallelism_applied
frameworks/llama-cpp.test.ts knobs_applied threads_applied context_applied server_counts_agree
frameworks/megatron.test.ts parallelism_applied precision_applied batch_size_applied
frameworks/pytorch-xdit.test.ts parallelism_applied frames_applied every_picture_timed decoding_is_a_part
frameworks/sglang-disagg.test.ts transfer_backend_matches roles_registered parallelism_applied handoffs_complete
frameworks/torchtitan.test.ts quantization_applied activation_checkpoint_applied batch_applied
frameworks/vllm.test.ts parallelism_applied server_counts_agree
inference/serving.test.ts every_request_sampled lengths_as_asked client_not_the_bottleneck
logistics/lifecycle.test.ts no_orphans evidence_intact
models/byte-llama.test.ts every_window_scored parameter_count starts_from_nothing generalizes
training/distributed.test.ts per_rank_step_sync
training/steps.test.ts every_step_logged`
  .split('\n')
  .flatMap((line) => {
    const [file, ...names] = line.split(' ');
    return names.map((name) => `${file} ${name}`);
  });

const REFUSED = 'a refusal to start, and a collective that does not end';

describe('every claim of the package', () => {
  it('is judged of the passing runs, and misses nothing', async () => {
    const { outcomes, screen } = await passing();
    expect(
      outcomes.filter(({ status }) => status === 'failed').map(({ testName }) => testName),
      screen,
    ).toEqual([]);
  });

  it('holds of one run, and fails of itself on another', { timeout: 300_000 }, async () => {
    const claims = await shippedClaims();
    const live = [await passing(), await brokenGpu()];
    for (const name of Object.keys(FAILING)) live.push(await failing(name));
    const judged = await edited();
    expect(judged.folders, judged.screen).toEqual({});
    const all = [...live, judged].flatMap(({ outcomes }) => outcomes);
    const passed = new Set(all.filter(({ status }) => status === 'passed').map(({ claim }) => claim));
    const failed = new Set(all.filter(failsOfItself).map(({ claim }) => claim));
    expect({
      neverPassed: claims.filter((claim) => !passed.has(claim)),
      neverFailed: claims.filter((claim) => !failed.has(claim)),
    }).toEqual({ neverPassed: [], neverFailed: [] });
    const failedLive = new Set(
      live.flatMap(({ outcomes }) => outcomes.filter(failsOfItself)).map(({ claim }) => claim),
    );
    const onlyEdited = claims.filter((claim) => !failedLive.has(claim) && !claim.startsWith('benchmarks/'));
    // A busy machine may well make one of these fail by itself, such as client_not_the_bottleneck.
    expect(onlyEdited.filter((claim) => !ONLY_EDITED.includes(claim))).toEqual([]);
  });
});
