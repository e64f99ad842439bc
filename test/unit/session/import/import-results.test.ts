import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import type { ResultFormat } from '../../../../src/adapters/shared/results/result-run.ts';
import { findRuns } from '../../../../src/evidence/store/find-runs.ts';
import { loadTables } from '../../../../src/evidence/tables/load-tables.ts';
import { writeImportedRun } from '../../../../src/evidence/imported-run.ts';
import { checkEvidence, readEvents, readManifest } from '../../../../src/evidence/run-reader.ts';
import { storedRuns } from '../../../../src/evidence/store/run-store.ts';
import { evaluateAll } from '../../../../src/verdicts/evaluate.ts';
import { importResults, reparseImported } from '../../../../src/session/import/import-results.ts';
import type { ImportNames } from '../../../../src/session/import/imported-manifest.ts';
import { planSession } from '../../../../src/session/plan.ts';
import type { PlannedCell } from '../../../../src/session/plan.ts';
import { frameworks } from '../../../../src/session/registry.ts';
import { previewRejudge, rejudge } from '../../../../src/session/stored/rejudge.ts';
import { fixture, noSamples, sample } from '../../adapters/shared/results/files.ts';
import { sessionOptions } from '../../session-options.ts';

const CONFIG = `schema_version: "2"
test_id: bench
target_gpu: mi355x
framework: vllm
workload_kind: inference
topology: {roles: {server: {count: 1, gpus_per_node: 1}}}
model: {id: tiny-7b}
knobs: {quant: fp8}
params: {isl: 16, osl: 8, num_prompts: 4}
sweep: {concurrency: [2, 4]}
benchmarks: [throughput, ttft_p99, goodput]
thresholds:
  - {kind: Rate, metric: throughput, per_unit: sec, op: ">=", min_rate: 4}
  - {kind: Percentile, metric: ttft_ms, percentile: 99, op: "<=", value: 150}
  - {kind: Goodput, ttft_max_ms: 150, tpot_max_ms: 40, op: ">=", min_qps: 1}
`;

const NAMES: ImportNames = { testId: null, framework: null, model: null, gpu: null, knobs: {}, axes: {} };
const WRITTEN = new Date('2026-05-01T10:00:00.250Z');

class Folder {
  readonly root = mkdtempSync(join(tmpdir(), 'assay-import-'));
  readonly artifacts = join(this.root, 'runs');

  constructor() {
    mkdirSync(this.artifacts);
  }

  file(name: string, content: string | Buffer = fixture(name)): string {
    const path = join(this.root, name);
    writeFileSync(path, content);
    utimesSync(path, WRITTEN, WRITTEN);
    return path;
  }

  import(
    file: string,
    { isAgain = false, format = null as ResultFormat | null, names = {} as Partial<ImportNames> } = {},
  ) {
    return importResults(file, { artifacts: this.artifacts, format, isAgain, as: { names: { ...NAMES, ...names } } });
  }

  /** The only run of a file. */
  async importOne(file: string, names: Partial<ImportNames> = {}) {
    const { runs } = await this.import(file, { names });
    expect(runs).toHaveLength(1);
    return runs[0]!;
  }

  cell(cellId: string, config = CONFIG): PlannedCell {
    writeFileSync(join(this.root, 'bench.yaml'), config);
    const options = sessionOptions({ root: this.root, configs: ['bench.yaml'], onlyCells: [cellId] });
    return planSession(options, frameworks).cells[0]!;
  }

  importInto(file: string, cell: PlannedCell) {
    return importResults(file, { artifacts: this.artifacts, format: null, isAgain: false, as: { cell } });
  }
}

describe('importing a result file', () => {
  it('makes an ordinary run directory, whole and in the catalogue', async () => {
    const place = new Folder();
    const { folder, manifest } = await place.importOne(place.file('vllm-detailed.json'));
    expect(folder).toBe(
      join(place.artifacts, 'imported_vllm_acme_tiny_7b/conc2', manifest.workload_hash.slice(7, 19), manifest.run_id),
    );
    expect(findRuns(place.artifacts)).toEqual([folder]);
    await checkEvidence(folder, readManifest(folder), { hashes: 'all' });
    expect(readManifest(folder)).toEqual(manifest);
    expect(manifest).toMatchObject({
      status: 'recorded',
      framework: 'vllm',
      model_descriptor: { id: 'acme/tiny-7b' },
      target_gpu: 'unknown',
      axes: { concurrency: 2 },
      launches: [],
      hosts: [],
      captured_rows: { samples: 0, trajectory: 0 },
      samples_path: 'samples.parquet',
      imported: { file: join(place.root, 'vllm-detailed.json'), format: 'vllm-bench', dropped: [] },
      result: { measured: { started_at_ms: null, duration_ms: 2000 } },
      phases: { parse: { status: 'ok' }, verify: { status: 'ok' } },
    });
    expect(Object.keys(manifest.phases).toSorted()).toEqual(['parse', 'verify']);
    expect(readFileSync(join(folder, 'attachments/vllm-detailed.json'))).toEqual(fixture('vllm-detailed.json'));
    expect(load(readFileSync(join(folder, 'config.resolved.yaml'), 'utf8'))).toMatchObject({
      provenance: 'imported',
      cell_id: 'conc2',
      thresholds: [],
    });
    const events = readEvents(folder).map(({ event }) => event);
    expect(events.filter((event) => event !== 'request')).toEqual([
      'parse.start',
      'parse.done',
      'verify.start',
      'verify.passed',
      'verify.done',
    ]);
    expect([...storedRuns(place.artifacts)].map(({ fact }) => [fact['provenance'], fact['status']])).toEqual([
      ['imported', 'recorded'],
    ]);
  });

  it('writes the rows in milliseconds, from the start of the run', async () => {
    const place = new Folder();
    const { folder, manifest } = await place.importOne(place.file('vllm-detailed.json'));
    const { samples } = await loadTables(folder);
    expect([...samples!.numeric('ttft_ms')!]).toEqual([50, 100, NaN, 150]);
    expect([...samples!.ok]).toEqual([1, 1, 0, 1]);
    const startMs = Date.parse(manifest.timestamp_start);
    expect([...samples!.numeric('ts')!].map((ts) => ts - startMs)).toEqual([0, 250, 500, 1000]);
    // Its date is when it was written.
    expect(startMs).toBe(new Date(2026, 2, 14, 9, 26, 51).getTime());
    expect(manifest.result.scalars).toMatchObject({ requests: 4, failed: 1, ttft_p99_ms: 149, e2el_p50_ms: 150 });
  });

  it('keeps no table for a summary, whose figures verdicts go by', async () => {
    const place = new Folder();
    const { folder, manifest } = await place.importOne(place.file('vllm-summary.json'));
    expect(manifest.samples_path).toBeNull();
    expect(readdirSync(folder).toSorted()).toEqual([
      'attachments',
      'config.resolved.yaml',
      'events.jsonl',
      'logs',
      'manifest.json',
      'verifications',
    ]);
    expect(manifest.result.scalars).toMatchObject({ completed: 8, ttft_p99_ms: 30, throughput_tps: 100 });
  });

  it('names a cell by what the file and the user say', async () => {
    const place = new Folder();
    const { runs } = await place.import(place.file('sglang-runs.jsonl'), {
      names: {
        gpu: 'h200',
        model: 'Tiny 7B',
        testId: 'mine',
        knobs: { quant: 'fp8' },
        axes: { tensor_parallelism: 2, mode: 'a/b' },
      },
    });
    expect(runs.map(({ manifest }) => manifest.cell_id)).toEqual([
      'isl512_osl128-conc8-tp2-modea_b',
      'rate4-tp2-modea_b',
      'isl64_osl32-rate1-tp2-modea_b',
    ]);
    expect(runs[0]?.manifest).toMatchObject({
      test_id: 'mine',
      target_gpu: 'h200',
      knobs: { quant: 'fp8' },
      experiment_id: 'sglang/Tiny 7B/fp8+-+-/h200',
      tags: [
        'framework_sglang',
        'model_tiny_7b',
        'workload_inference',
        'gpu_h200',
        'knob_quant_fp8',
        'config_mine',
        'cell_isl512_osl128_conc8_tp2_modea_b',
      ],
    });
  });

  it('puts runs that were appended to a file one after the other', async () => {
    const place = new Folder();
    const { runs } = await place.import(place.file('sglang-runs.jsonl'));
    expect(runs.map(({ manifest }) => [manifest.timestamp_start, manifest.timestamp_end])).toEqual([
      ['2026-05-01T09:59:54.750Z', '2026-05-01T09:59:57.250Z'],
      ['2026-05-01T09:59:57.250Z', '2026-05-01T09:59:58.250Z'],
      ['2026-05-01T09:59:58.250Z', '2026-05-01T10:00:00.250Z'],
    ]);
    const stored = [...storedRuns(place.artifacts)].map(({ folder }) => folder);
    expect(stored).toEqual(runs.map(({ folder }) => folder));
  });

  it('keeps what a file says of its image and GPU', async () => {
    const place = new Folder();
    const { manifest } = await place.importOne(place.file('inferencex-agg.json'));
    expect(manifest).toMatchObject({
      target_gpu: 'mi355x',
      container: { image: 'acme/vllm:1.0', digest: null, runtime: 'unknown' },
      knobs: { quant: 'fp4' },
      cell_id: 'isl1024_osl512-conc4',
    });
    expect(manifest.imported?.dropped).toEqual([expect.stringContaining('mean_intvty')]);
  });

  it('imports no file twice, and names the run that has it, unless it is asked to', async () => {
    const place = new Folder();
    const file = place.file('vllm-detailed.json');
    const { folder } = await place.importOne(file);
    const copy = place.file('copy.json', fixture('vllm-detailed.json'));
    expect(await place.import(copy)).toMatchObject({ runs: [], present: [{ folder }] });
    const again = await place.import(copy, { isAgain: true });
    expect(again.runs).toHaveLength(1);
    expect(findRuns(place.artifacts)).toHaveLength(2);
  });

  it('imports of a file what is not there yet', async () => {
    const place = new Folder();
    const [first = '', ...others] = fixture('sglang-runs.jsonl').toString().split('\n');
    const file = place.file('out.jsonl', `${first}\n`);
    await place.import(file);
    const grown = place.file('out.jsonl', [first, ...others].join('\n'));
    // Another content is another file: what of it is there already is imported again.
    expect((await place.import(grown)).runs).toHaveLength(3);
    expect(await place.import(grown)).toMatchObject({ runs: [], present: [{}, {}, {}] });
  });

  it('leaves nothing behind when it fails in the middle', async () => {
    const place = new Folder();
    const folder = join(place.artifacts, 'a/b/c/0195cf8e-1366-7000-8000-00be6c988618');
    const original = { name: 'r.json', bytes: Buffer.from('{}'), entry: 0 };
    const whileMaking: string[][] = [];
    const failing = writeImportedRun(
      { artifacts: place.artifacts, folder },
      { resolvedConfig: 'a: 1\n', original },
      () => {
        whileMaking.push([...storedRuns(place.artifacts)].map((run) => run.folder));
        expect(() => findRuns(place.artifacts)).toThrow('holds no run directory');
        throw new Error('no space left');
      },
    );
    await expect(failing).rejects.toThrow('no space left');
    expect(whileMaking).toEqual([[]]);
    expect(readdirSync(dirname(folder))).toEqual([]);
  });

  it('refuses a folder, a missing file and an unknown one with the next step', async () => {
    const place = new Folder();
    await expect(place.import(place.root)).rejects.toMatchObject({
      message: `${place.root} is a folder`,
      hint: 'name the result files in it: assay import results/*.json',
    });
    await expect(place.import('nowhere.json')).rejects.toMatchObject({ message: 'nowhere.json is not there' });
    await expect(place.import(place.file('x.json', '{"a": 1}'))).rejects.toMatchObject({ code: 'PARSE_FAILED' });
    expect(readdirSync(place.artifacts)).toEqual([]);
  });
});

describe('importing into a cell', () => {
  it('judges the run as assay verify would', async () => {
    const place = new Folder();
    const cell = place.cell('conc2');
    const { runs } = await place.importInto(place.file('vllm-detailed.json'), cell);
    const { folder, manifest } = runs[0]!;
    expect(manifest).toMatchObject({
      status: 'passed',
      test_id: 'bench',
      cell_id: 'conc2',
      knobs: { quant: 'fp8' },
      verification_hash: cell.identity.verificationHash,
      config_hash: cell.identity.configHash,
    });
    expect(manifest.verdicts.map(({ benchmark, actual, passed, n }) => [benchmark, actual, passed, n])).toEqual([
      ['throughput', 4.5, true, 3],
      ['ttft_p99', 149, true, 3],
      ['goodput', 1.5, true, 4],
    ]);
    expect(manifest.verdicts.map(({ source }) => source)).toEqual(['bench.yaml:13', 'bench.yaml:14', 'bench.yaml:15']);
    const { scalars, measured } = manifest.result;
    const tables = { measuredDurationMs: measured.duration_ms, startedAtMs: measured.started_at_ms, scalars };
    const fresh = evaluateAll(
      cell.cell.thresholds.map(({ threshold }) => threshold),
      { ...(await loadTables(folder)), ...tables },
    );
    expect(manifest.verdicts.map(({ source: _source, ...verdict }) => verdict)).toEqual(fresh);
    expect((await previewRejudge(folder, cell)).changes).toEqual([]);
    expect(await rejudge(folder, cell)).toMatchObject({ changes: [], manifest });
  });

  it('has not passed while no threshold judges it, then or later', async () => {
    const place = new Folder();
    const cell = place.cell('conc2', CONFIG.replace(/^benchmarks:[^]*/m, ''));
    const { runs } = await place.importInto(place.file('vllm-detailed.json'), cell);
    const { folder, manifest } = runs[0]!;
    expect(manifest).toMatchObject({ status: 'recorded', enforce: false });
    expect((await rejudge(folder, cell)).manifest).toEqual(manifest);
    await rejudge(folder, place.cell('conc2'));
    expect((await rejudge(folder, cell)).after.status).toBe('recorded');
  });

  it('is judged anew by other thresholds', async () => {
    const place = new Folder();
    const { runs } = await place.importInto(place.file('vllm-detailed.json'), place.cell('conc2'));
    const stricter = place.cell('conc2', CONFIG.replace('value: 150', 'value: 148'));
    const { manifest } = await rejudge(runs[0]!.folder, stricter);
    expect(manifest.status).toBe('failed_verification');
    expect(manifest.verifications.map(({ status }) => status)).toEqual(['passed', 'failed_verification']);
    await checkEvidence(runs[0]!.folder, manifest, { hashes: 'all' });
  });

  it('goes by the figures of a summary, and passes no latency of a run in which all failed', async () => {
    const place = new Folder();
    const config = CONFIG.replace('concurrency: [2, 4]', 'concurrency: [4]')
      .replace(/ +- \{kind: Goodput.*\n/, '')
      .replace(', goodput', '');
    const failed = await place.importInto(place.file('vllm-all-failed.json'), place.cell('conc4', config));
    expect(failed.runs[0]?.manifest.status).toBe('failed_verification');
    expect(failed.runs[0]?.manifest.verdicts.map(({ outcome, passed }) => [outcome, passed])).toEqual([
      ['no_data', false],
      ['no_data', false],
    ]);
    const summary = fixture('vllm-summary.json')
      .toString()
      .replace('"max_concurrency": null', '"max_concurrency": 4')
      .replace('"request_rate": 4.0', '"request_rate": "inf"');
    const { runs } = await place.importInto(place.file('summary.json', summary), place.cell('conc4', config));
    expect(runs[0]?.manifest.verdicts.map(({ actual, passed }) => [actual, passed])).toEqual([
      [100, true],
      [30, true],
    ]);
  });

  it('never stands in for a run that was launched', async () => {
    const place = new Folder();
    const cell = place.cell('conc2');
    const { runs } = await place.importInto(place.file('vllm-detailed.json'), cell);
    expect(runs[0]?.manifest.workload_hash).not.toBe(cell.identity.workloadHash);
    expect(runs[0]?.manifest.workload_inputs).toMatchObject({ provenance: 'imported', framework: 'vllm' });
  });

  it('refuses a file that says it is of another cell', async () => {
    const place = new Folder();
    const file = place.file('vllm-detailed.json');
    await expect(place.importInto(file, place.cell('conc4'))).rejects.toThrow(
      `${file} has concurrency 2, and cell conc4 has 4`,
    );
    expect(existsSync(join(place.artifacts, 'bench'))).toBe(false);
  });

  it('only records what nothing judges', async () => {
    const place = new Folder();
    const config = CONFIG.replace(/^benchmarks:[^]*/m, '');
    const { runs } = await place.importInto(place.file('vllm-detailed.json'), place.cell('conc2', config));
    expect(runs[0]?.manifest).toMatchObject({ status: 'recorded', enforce: false, verdicts: [] });
  });
});

describe('reading an imported run again', () => {
  it.each(['vllm-detailed.json', 'sglang-runs.jsonl', 'aiperf-profile.jsonl', 'inferencex-agentic.json'])(
    'gives of %s what was imported',
    async (name) => {
      const place = new Folder();
      const { runs } = await place.import(place.file(name));
      for (const { folder, manifest } of runs) {
        const { rows, result, dropped } = await reparseImported(folder, manifest);
        expect(dropped).toEqual(manifest.imported?.dropped);
        expect(manifest.result.scalars).toMatchObject(result.scalars);
        expect({ started_at_ms: result.startedAtMs, duration_ms: result.durationMs }).toEqual(manifest.result.measured);
        const { samples } = await loadTables(folder);
        expect(rows.map(({ requestId }) => requestId)).toEqual(samples === null ? [] : [...samples.requestIds]);
        // A timestamp of a table has microseconds.
        const stored = samples === null ? [] : [...samples.numeric('ts')!];
        for (const [index, { tsMs }] of rows.entries()) expect(tsMs).toBeCloseTo(stored[index] ?? NaN, 2);
      }
    },
  );

  it('refuses an attachment that is not the one that was imported', async () => {
    const place = new Folder();
    const { folder, manifest } = await place.importOne(place.file('vllm-summary.json'));
    const attachment = join(folder, 'attachments/vllm-summary.json');
    writeFileSync(attachment, fixture('vllm-detailed.json'));
    await expect(reparseImported(folder, manifest)).rejects.toMatchObject({ code: 'EVIDENCE_DAMAGED' });
    writeFileSync(join(folder, 'attachments/import.json'), '{"file": 1}');
    await expect(reparseImported(folder, manifest)).rejects.toMatchObject({ code: 'EVIDENCE_DAMAGED' });
  });
});

describe.skipIf(noSamples !== null)(`published result files${noSamples === null ? '' : ` (${noSamples})`}`, () => {
  const mean = (values: Iterable<number>): number => {
    const all = [...values].filter((value) => !Number.isNaN(value));
    return all.reduce((sum, value) => sum + value, 0) / all.length;
  };

  /** To a millionth: the client's clock read more often than it kept. */
  const expectNear = (actual: number | null | undefined, expected: number | undefined): void => {
    expect(Math.abs((actual ?? NaN) / (expected ?? NaN) - 1)).toBeLessThan(1e-6);
  };

  it.each([
    ['vllm/auro_h100_c8_detailed_2025-03.json', 1],
    ['vllm/cvs_vllm_results_sample.json', 1],
    ['vllm/er0080_bench_serve_v0.25.1.json', 1],
    ['vllm/er0080_bench_serve_all_requests_failed_v0.25.1.json', 1],
    ['sglang/tonyli_agg_n100_in512_out128_c32.jsonl', 1],
    ['sglang/tonyli_pd_1p1d_n100_in2048_out512_c128.jsonl', 1],
    ['sglang/tonyli_pd_1p2d_n100_in512_out128_c64.jsonl', 1],
    ['sglang/datacrunch_llama_3_3_70b_online_output.jsonl', 7],
    ['sglang/datacrunch_deepseek_dp_mla_output.jsonl', 1],
    ['inferencemax/infx_agg_kimik2.5_conc4.json', 1],
    ['inferencemax/infx_agentic_kimik2.7_conc4.json', 1],
    ['inferencemax/infx_baseline_sglang_dsr1_conc16.json', 1],
    ['inferencemax/infx_raw_multinode_conc16.json', 1],
    ['inferencemax/infx_aiperf_profile_export_slice.jsonl', 1],
  ])('%s becomes %i whole runs', async (path, count) => {
    const place = new Folder();
    const { runs } = await place.import(place.file(path.replace('/', '-'), sample(path)));
    expect(runs).toHaveLength(count);
    for (const { folder, manifest } of runs) await checkEvidence(folder, manifest, { hashes: 'all' });
  });

  it('gives of the requests of vLLM what their summary says', async () => {
    const place = new Folder();
    const bytes = sample('vllm/auro_h100_c8_detailed_2025-03.json');
    const said = JSON.parse(bytes.toString()) as Record<string, number>;
    const { folder, manifest } = await place.importOne(place.file('auro.json', bytes));
    const samples = (await loadTables(folder)).samples!;
    const { scalars } = manifest.result;
    for (const metric of ['ttft', 'tpot']) {
      expectNear(mean(samples.numeric(`${metric}_ms`)!), said[`mean_${metric}_ms`]);
      expect(scalars[`${metric}_mean_ms`]).toBe(said[`mean_${metric}_ms`]);
    }
    expectNear(mean(samples.itls!.values), said['mean_itl_ms']);
    const thresholds = [
      { kind: 'Percentile', metric: 'ttft_ms', percentile: 99, op: '<=', value: 1 },
      { kind: 'Percentile', metric: 'tpot_ms', percentile: 99, op: '<=', value: 1 },
      { kind: 'Percentile', metric: 'itl_ms', percentile: 99, op: '<=', value: 1 },
      { kind: 'Rate', metric: 'throughput', per_unit: 'sec', op: '>=', min_rate: 1 },
      { kind: 'Rate', metric: 'request_throughput', per_unit: 'sec', op: '>=', min_rate: 1 },
      { kind: 'Rate', metric: 'total_token_throughput', per_unit: 'sec', op: '>=', min_rate: 1 },
    ] as const;
    const { duration_ms: measuredDurationMs } = manifest.result.measured;
    // Without the scalars: from the rows alone.
    const verdicts = evaluateAll(thresholds, {
      samples,
      series: [],
      scalars: {},
      measuredDurationMs,
      startedAtMs: null,
    });
    const fields = [
      'p99_ttft_ms',
      'p99_tpot_ms',
      'p99_itl_ms',
      'output_throughput',
      'request_throughput',
      'total_token_throughput',
    ];
    for (const [index, field] of fields.entries()) expectNear(verdicts[index]?.actual, said[field]);
  });

  it('gives of the requests of AIPerf the figures of a reader of its own', async () => {
    const place = new Folder();
    const bytes = sample('inferencemax/infx_aiperf_profile_export_slice.jsonl');
    interface Line {
      readonly metadata: Readonly<Record<string, number | string>>;
      readonly metrics: Readonly<Record<string, { readonly value: number }>>;
    }
    const lines = bytes
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    const measured = lines.filter(({ metadata }) => metadata['benchmark_phase'] === 'profiling');
    const { folder, manifest } = await place.importOne(place.file('p.jsonl', bytes));
    const samples = (await loadTables(folder)).samples!;
    expect(samples.rows).toBe(18);
    for (const [column, metric] of [
      ['ttft_ms', 'time_to_first_token'],
      ['tpot_ms', 'inter_token_latency'],
      ['e2el_ms', 'request_latency'],
      ['output_tokens', 'output_sequence_length'],
      ['input_tokens', 'input_sequence_length'],
    ] as const) {
      expect([...samples.numeric(column)!]).toEqual(measured.map(({ metrics }) => metrics[metric]?.value));
    }
    const ends = measured.map(({ metadata }) => Number(metadata['request_end_ns']));
    const starts = measured.map(({ metadata }) => Number(metadata['request_start_ns']));
    const windowMs = (Math.max(...ends) - Math.min(...starts)) / 1e6;
    expect(manifest.result.measured.duration_ms).toBeCloseTo(windowMs, 2);
    const tokens = measured.reduce((sum, { metrics }) => sum + (metrics['output_sequence_length']?.value ?? 0), 0);
    expect(manifest.result.scalars['throughput_tps']).toBeCloseTo(tokens / (windowMs / 1000), 6);
  });

  it('gives the figures of summaries in our units', async () => {
    const place = new Folder();
    const figures = async (path: string) =>
      (await place.importOne(place.file(path.replace('/', '-'), sample(path)))).manifest.result.scalars;
    const aggregate = await figures('inferencemax/infx_agg_kimik2.5_conc4.json');
    expect(aggregate['ttft_p99_ms']).toBeCloseTo(585.9901384473777, 6);
    expect(aggregate['throughput_tps']).toBeCloseTo(27.678011491816765 * 8, 6);
    // Every user waits for the whole answer: throughput * latency / users is about the length of an answer.
    expect(((aggregate['throughput_tps'] ?? 0) * (aggregate['e2el_mean_ms'] ?? 0)) / 1000 / 4).toBeGreaterThan(800);
    const agentic = await figures('inferencemax/infx_agentic_kimik2.7_conc4.json');
    expect(agentic).toMatchObject({ completed: 667, warmup_requests: 960 });
    expect(agentic['ttft_mean_ms']).toBeCloseTo(9225.67, 6);
    const sglang = await figures('sglang/tonyli_pd_1p1d_n100_in2048_out512_c128.jsonl');
    expect(sglang).toMatchObject({ completed: 100, ttft_p99_ms: 34890.156685337424, throughput_tps: 661.8336432136 });
    const failed = await figures('vllm/er0080_bench_serve_all_requests_failed_v0.25.1.json');
    const { requests, completed, failed: count, ...others } = failed;
    expect({ requests, completed, count }).toEqual({ requests: 8, completed: 0, count: 8 });
    expect(new Set(Object.values(others))).toEqual(new Set([null]));
  });
});
