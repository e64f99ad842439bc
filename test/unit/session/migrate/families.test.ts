import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { reportText } from '../../../../src/session/migrate/report.ts';
import { migrate } from './migrated.ts';

const FIXTURES = new URL('../../../../fixtures/legacy', import.meta.url).pathname;

const files = migrate([FIXTURES], { userId: null, gpusPerNode: null });
const one = (name: string) => files.find(({ file }) => file.endsWith(`/${name}.json`))!;
const yaml = (name: string, index = 0) =>
  load(one(name).configs[index]!.text) as Record<string, Record<string, unknown>>;
const notes = (name: string, kind: string) =>
  one(name)
    .notes.filter((note) => note.kind === kind)
    .map(({ path, why }) => `${path}: ${why}`);
const figures = (name: string, outcome: string) =>
  one(name)
    .figures.filter((figure) => figure.outcome === outcome)
    .map(({ cell, metric, value }) => `${cell} ${metric} ${String(value)}`);

describe('family a', () => {
  it('becomes a config whose sweep is the run list, and nothing but it', () => {
    expect(yaml('mi300x_vllm_tiny_distributed')).toMatchInlineSnapshot(`
      {
        "benchmarks": [],
        "container": {
          "image": "<changeme>",
          "mounts": [
            "<changeme-models>:/models:ro",
          ],
        },
        "enforce": false,
        "framework": "vllm",
        "id_knobs": [
          "attention",
          "quant",
          "nodes",
        ],
        "knobs": {
          "attention": "aiter",
          "nodes": 2,
        },
        "model": {
          "hf_repo": "acme/Tiny-7B-FP8",
          "id": "Tiny-7B-FP8",
        },
        "params": {
          "master_port": 29501,
          "num_prompts": 320,
          "pipeline_parallelism": 2,
          "tensor_parallelism": 8,
        },
        "schema_version": "2",
        "secrets": {
          "hf_token": {
            "env_var": "HF_TOKEN",
            "kind": "SecretValue",
            "source": "env",
          },
        },
        "sweep": {
          "concurrency": [
            16,
          ],
          "isl_osl": [
            {
              "isl": 1024,
              "name": "w_1k_1k",
              "osl": 1024,
            },
          ],
        },
        "target_gpu": "mi300x",
        "test_id": "mi300x_vllm_tiny_distributed",
        "topology": {
          "roles": {
            "server": {
              "count": 2,
              "gpus_per_node": 8,
            },
          },
        },
        "workload_kind": "inference",
      }
    `);
  });

  it('has its enforced cells split where they have other benchmarks', () => {
    const { configs } = one('mi300x_vllm_tiny_single');
    expect(configs.map(({ testId, cells }) => [testId, cells.map(({ key }) => key)])).toMatchInlineSnapshot(`
      [
        [
          "mi300x_vllm_tiny_single_part1",
          [
            "mi300x_vllm_tiny_single_part1/w_1k_1k-conc16",
          ],
        ],
        [
          "mi300x_vllm_tiny_single_part2",
          [
            "mi300x_vllm_tiny_single_part2/w_1k_1k-conc32",
          ],
        ],
        [
          "mi300x_vllm_tiny_single_part3",
          [
            "mi300x_vllm_tiny_single_part3/w_8k_1k-conc16",
          ],
        ],
      ]
    `);
    expect(yaml('mi300x_vllm_tiny_single')).toMatchObject({ enforce: true, knobs: { attention: 'aiter' }, seed: 7 });
  });

  it('never carries a mean, what cannot fail, or a figure of a cell that does not run', () => {
    expect(figures('mi300x_vllm_tiny_single', 'carried')).toMatchInlineSnapshot(`
      [
        "ISL=1024,OSL=1024,CONC=16 client.total_token_throughput 900",
        "ISL=1024,OSL=1024,CONC=16 client.output_throughput 450",
        "ISL=1024,OSL=1024,CONC=16 client.median_tpot_ms 9",
        "ISL=1024,OSL=1024,CONC=16 client.p99_ttft_ms 120",
        "ISL=1024,OSL=1024,CONC=32 client.total_token_throughput 1500",
        "ISL=1024,OSL=1024,CONC=32 client.output_throughput 450",
        "ISL=1024,OSL=1024,CONC=32 client.median_tpot_ms 11",
      ]
    `);
    expect(figures('mi300x_vllm_tiny_single', 'dropped')).toMatchInlineSnapshot(`
      [
        "ISL=1024,OSL=1024,CONC=16 client.p95_e2el_ms 1000000",
        "ISL=1024,OSL=1024,CONC=16 client.success_rate 0",
        "ISL=8192,OSL=1024,TP=8,CONC=16 client.mean_ttft_ms 3",
      ]
    `);
    expect(figures('mi300x_vllm_tiny_single', 'reported')).toMatchInlineSnapshot(`
      [
        "ISL=1024,OSL=1024,CONC=16 client.mean_ttft_ms 70",
        "ISL=1024,OSL=1024,CONC=16 gpu.peak_gpu_memory_mb 150000",
        "ISL=1024,OSL=1024,CONC=32 client.p99_ttft_ms 0",
        "ISL=8192,OSL=1024,TP=8,CONC=16 client.output_throughput 300",
        "ISL=1024,OSL=8192,TP=4,CONC=16 client.output_throughput 700",
        "gsm8k gsm8k.exact_match 0.9",
      ]
    `);
  });

  it('reports a most of a rate: no threshold here holds one', () => {
    const root = mkdtempSync(join(tmpdir(), 'assay-legacy-'));
    for (const name of ['mi300x_vllm_tiny_single.json', 'mi300x_vllm_tiny_single_threshold.json']) {
      const text = readFileSync(join(FIXTURES, 'inference', name), 'utf8');
      writeFileSync(join(root, name), text.replace('"kind": "min_tok_s", "value": 450', '"kind": "max", "value": 450'));
    }
    const [file] = migrate([root]);
    expect(file?.figures.find(({ metric }) => metric === 'client.output_throughput')).toMatchObject({
      outcome: 'reported',
      why: 'a most of a rate: a run passes by being too slow',
    });
  });

  it('says why a framework without an adapter stays behind', () => {
    const { state, why, cells, configs } = one('mi300x_atom_tiny_single');
    expect({ state, why, cells: cells.length, configs }).toEqual({
      state: 'not_migratable',
      why: 'there is no adapter for atom',
      cells: 2,
      configs: [],
    });
  });
});

describe('family b', () => {
  it('runs what was run, in the number formats that there are', () => {
    expect(yaml('mi325x_megatron_tiny_single_config')['sweep']).toMatchInlineSnapshot(`
      {
        "combination": [
          {
            "global_batch_size": 128,
            "micro_batch_size": 4,
            "name": "tiny_8b_mbs4_gbs128_BF16",
            "precision": "TE_BF16",
          },
          {
            "fp8_recipe": "mxfp8",
            "global_batch_size": 128,
            "micro_batch_size": 4,
            "name": "tiny_8b_mbs4_gbs128_MXFP8",
            "precision": "TE_FP8",
          },
        ],
      }
    `);
    expect(notes('mi325x_megatron_tiny_single_config', 'not_carried')).toContain(
      'sweep.combinations.tiny-fp8: declared, but not in the run list: tiny-fp8 is not enabled here either',
    );
  });

  it('derives the GPUs of a node from degrees, and leaves open what nothing says', () => {
    expect(yaml('mi355_titan_tiny_distributed_config')['topology']).toEqual({
      roles: { worker: { count: 4, gpus_per_node: 8 } },
    });
    const { topology, params } = yaml('mi325x_megatron_tiny_single_config');
    expect({ topology, dp: params?.['dp'] }).toEqual({
      topology: { roles: { worker: { count: 1, gpus_per_node: '<changeme: GPUs of each node>' } } },
      dp: '<changeme: all GPUs / (tp 2 x pp 1)>',
    });
  });
});

describe('family c', () => {
  it('multiplies degrees within and between nodes, and lets every sweep set its own', () => {
    expect(yaml('mi300x_jaxmaxtext_tiny')).toMatchInlineSnapshot(`
      {
        "benchmarks": [
          "tflops_per_gpu",
          "tokens_per_gpu",
          "throughput",
        ],
        "container": {
          "env": {
            "NCCL_DEBUG": "VERSION",
          },
          "image": "rocm/jax:1.0",
          "shm_size": "256g",
        },
        "enforce": true,
        "framework": "jax",
        "knobs": {
          "attention": "cudnn_flash_te",
        },
        "model": {
          "id": "tiny-70b",
          "precision": "bfloat16",
        },
        "params": {
          "dataset_type": "synthetic",
          "dp": 2,
          "enable_checkpointing": false,
          "extra_args": {
            "grad_dtype": "float32",
          },
          "fsdp": 8,
          "model_name": "tiny-70b",
          "sequence_length": 8192,
          "steps": 30,
          "tokenizer_model": "acme/Tiny-70B",
          "tp": 1,
          "xla_flags": {
            "xla_gpu_autotune_level": 0,
            "xla_gpu_enable_command_buffer": "",
            "xla_gpu_enable_triton_gemm": false,
          },
        },
        "schema_version": "2",
        "secrets": {
          "hf_token": {
            "env_var": "HF_TOKEN",
            "kind": "SecretValue",
            "source": "env",
          },
        },
        "sweep": {
          "include": [
            {
              "variant": "NNODES_2_PRECISION_BF16_BATCH_5",
            },
          ],
          "variant": [
            {
              "name": "NNODES_2_PRECISION_BF16_BATCH_5",
              "per_device_batch_size": 5,
              "quantization": "",
            },
            {
              "name": "NNODES_2_PRECISION_FP8_BATCH_5",
              "per_device_batch_size": 5,
              "quantization": "nanoo_fp8",
            },
          ],
        },
        "target_gpu": "mi300x",
        "test_id": "mi300x_jaxmaxtext_tiny_part1",
        "thresholds": [
          {
            "kind": "Rate",
            "metric": "tflops_per_gpu",
            "min_rate": 260,
            "op": ">=",
            "per_unit": "sec",
          },
          {
            "kind": "Rate",
            "metric": "tokens_per_gpu",
            "min_rate": 962,
            "op": ">=",
            "per_unit": "sec",
          },
          {
            "kind": "Rate",
            "metric": "throughput",
            "min_rate": 15000,
            "op": ">=",
            "per_unit": "sec",
          },
        ],
        "topology": {
          "roles": {
            "worker": {
              "count": 2,
              "gpus_per_node": 8,
            },
          },
        },
        "workload_kind": "training",
      }
    `);
  });
});

describe('family d', () => {
  it('counts hosts, takes cells from the thresholds and leaves other models and accuracy tasks out', () => {
    const { topology, model, params, sweep, knobs } = yaml('mi300x_sglang_pd');
    expect({ topology, model, sweep, knobs, serve_args: params?.['serve_args'] }).toMatchInlineSnapshot(`
      {
        "knobs": {
          "attention": "aiter",
        },
        "model": {
          "id": "Tiny-7B",
          "path": "/data/models/acme/Tiny-7B",
        },
        "serve_args": {
          "enable-metrics": true,
          "watchdog-timeout": 900,
        },
        "sweep": {
          "concurrency": [
            4,
            64,
          ],
          "include": [
            {
              "concurrency": 4,
              "isl_osl": "isl1024_osl1024",
            },
            {
              "concurrency": 64,
              "isl_osl": "isl1024_osl1024",
            },
            {
              "concurrency": 64,
              "isl_osl": "isl8192_osl1024",
            },
          ],
          "isl_osl": [
            {
              "isl": 1024,
              "name": "isl1024_osl1024",
              "osl": 1024,
            },
            {
              "isl": 8192,
              "name": "isl8192_osl1024",
              "osl": 1024,
            },
          ],
        },
        "topology": {
          "roles": {
            "bench": {
              "count": 1,
            },
            "decode": {
              "count": 1,
              "gpus_per_node": 8,
            },
            "prefill": {
              "count": 2,
              "gpus_per_node": 4,
            },
            "router": {
              "count": 1,
            },
          },
        },
      }
    `);
    expect(notes('mi300x_sglang_pd', 'not_carried')).toEqual(
      expect.arrayContaining([
        'benchmark_params.other: active_benchmark is tiny-7b: it is not enabled here either',
        'benchmark_params.tiny-7b.inference_tests.gsm8k: gsm8k is an accuracy task, and none runs here',
      ]),
    );
    expect(one('mi300x_sglang_plain').state).toBe('not_migratable');
  });

  it('takes the processes of xDiT for its GPUs, and no mean time for a percentile', () => {
    expect(yaml('mi300x_xdit_flux')['topology']).toEqual({ roles: { worker: { count: 1, gpus_per_node: 8 } } });
    expect(figures('mi300x_xdit_flux', 'carried')).toEqual([]);
  });
});

describe('family e', () => {
  it('is one config for each number of nodes, model and GPU', () => {
    expect(one('mi3xx_megatron_presets').configs.map(({ file }) => file)).toEqual([
      'training/mi3xx_megatron_presets_single_node_tiny_8b_mi325.yaml',
      'training/mi3xx_megatron_presets_multi_node_tiny_8b_mi325.yaml',
    ]);
    expect(yaml('mi3xx_megatron_presets', 0)['knobs']).toEqual({ nodes: 1 });
    expect(yaml('mi3xx_megatron_presets', 1)['knobs']).toEqual({ nodes: 'several' });
  });

  it('shows no secret, neither in the config nor in the report', () => {
    const { configs } = one('mi300x_jax_presets');
    expect(configs[0]?.text + reportText(files)).not.toContain('hf_not_to_be_seen');
    expect(yaml('mi300x_jax_presets')['secrets']).toEqual({
      hf_token: { kind: 'SecretValue', source: 'env', env_var: 'HF_TOKEN' },
    });
  });

  it.each([
    ['/home/{user-id}/.hf_token', 'jane', 'export HF_TOKEN="$(cat /home/jane/.hf_token)" before a run'],
    ['{shared_fs}/.hf_token', 'jane', 'export HF_TOKEN="$(cat /mnt/jane/.hf_token)" before a run'],
    [
      '{shared_fs}/{lab}/t',
      null,
      'export HF_TOKEN="$(cat /mnt/{user-id}/{lab}/t)" before a run, with {user-id} and {lab} filled in',
    ],
    ['<changeme>', 'jane', 'export HF_TOKEN="$(cat \'<changeme>\')" before a run, with <changeme> filled in'],
    ['/my token', null, 'export HF_TOKEN="$(cat \'/my token\')" before a run'],
    ['~/.hf_token', null, 'export HF_TOKEN="$(cat ~/.hf_token)" before a run'],
  ])('exports the token of %s as far as it is known, user %s', (path, userId, todo) => {
    const root = mkdtempSync(join(tmpdir(), 'assay-legacy-'));
    const written = readFileSync(join(FIXTURES, 'inference/mi300x_vllm_tiny_single.json'), 'utf8');
    const legacy = JSON.parse(written) as Record<string, unknown>;
    const paths = { shared_fs: '/mnt/{user-id}', hf_token_file: path };
    writeFileSync(join(root, 'a.json'), JSON.stringify({ ...legacy, paths }));
    const [file] = migrate([root], { userId, gpusPerNode: null });
    expect(file?.notes.filter((note) => note.path === 'paths.hf_token_file').map((note) => note.todo)).toEqual([todo]);
  });

  it('reads numbers, booleans and lists from text', () => {
    const { params } = yaml('mi300x_jax_presets');
    expect(params).toMatchObject({
      rope_max_timescale: 500_000,
      normalization_layer_epsilon: 1e-5,
      scan_layers: true,
      mlp_activations: ['silu', 'linear'],
      fsdp: 8,
    });
  });
});

describe('family f', () => {
  it('keeps every result with its cell, and one for all cells alike', () => {
    const { thresholds, sweep, model } = yaml('mi355x_vllm_mega');
    expect({ thresholds, sweep, model }).toMatchInlineSnapshot(`
      {
        "model": {
          "hf_repo": "acme/Tiny-7B",
          "id": "Tiny-7B",
        },
        "sweep": {
          "concurrency": [
            16,
            32,
          ],
          "isl_osl": [
            {
              "isl": 1024,
              "name": "balanced",
              "osl": 1024,
            },
            {
              "isl": 8192,
              "name": "long_context",
              "osl": 1024,
            },
          ],
        },
        "thresholds": [
          {
            "kind": "Rate",
            "metric": "total_token_throughput",
            "min_rate": 4000,
            "op": ">=",
            "per_unit": "sec",
            "when": {
              "concurrency": 16,
              "isl_osl": "balanced",
            },
          },
          {
            "kind": "Rate",
            "metric": "total_token_throughput",
            "min_rate": 4000,
            "op": ">=",
            "per_unit": "sec",
            "when": {
              "concurrency": 16,
              "isl_osl": "long_context",
            },
          },
          {
            "kind": "Rate",
            "metric": "total_token_throughput",
            "min_rate": 7000,
            "op": ">=",
            "per_unit": "sec",
            "when": {
              "concurrency": 32,
              "isl_osl": "balanced",
            },
          },
        ],
      }
    `);
    expect(yaml('mi355x_vllm_mega', 1)['model']).toEqual({ id: 'local-moe', path: '/data/models/local-moe' });
  });

  it('knows a typo that was shipped', () => {
    expect(yaml('mi300x_inferencemax_tiny')['params']).toMatchObject({
      percentile_metrics: ['ttft', 'tpot'],
      concurrency: 64,
    });
  });
});

describe('the report', () => {
  it('begins with what is to be filled in, each with its place and its legacy field', () => {
    const [, table = ''] = reportText(files).split('\n## ');
    expect(table).toContain('| `inference/mi300x_vllm_tiny_distributed.yaml:15 container.image` | `<changeme>` |');
  });
});

describe('a path', () => {
  const [found] = migrate([join(FIXTURES, 'inference/mi300x_vllm_tiny_single.json')]);

  it('is shown from the working directory, and never as one of this machine', () => {
    expect([found?.file, found?.thresholdsFile]).toEqual([
      'fixtures/legacy/inference/mi300x_vllm_tiny_single.json',
      'fixtures/legacy/inference/mi300x_vllm_tiny_single_threshold.json',
    ]);
    expect(reportText(files) + files.flatMap(({ configs }) => configs.map(({ text }) => text)).join('')).not.toContain(
      process.cwd(),
    );
  });
});

describe('broken files', () => {
  const root = mkdtempSync(join(tmpdir(), 'assay-legacy-'));

  it.each([
    ['cut.json', '{"config": {"a": 1', /cut\.json:1:\d+ ends in the middle of its JSON/],
    ['comma.json', '{\n  "config": {"a": 1,}\n}', /comma\.json:2:\d+ is no JSON/],
    ['list.json', '[1]', /list\.json:1:1 is no object/],
  ])('%s is refused with its place', (name, text, why) => {
    writeFileSync(join(root, name), text);
    const [file] = migrate([join(root, name)]);
    expect(file).toMatchObject({ state: 'refused', why: expect.stringMatching(why), configs: [] });
  });
});
