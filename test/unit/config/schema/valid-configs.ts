type Fields = Readonly<Record<string, unknown>>;

const SERVER = { roles: { server: { count: 1, gpus_per_node: 8, selector: 'mi300x' } } };
const WORKER = { roles: { worker: { count: 1, gpus_per_node: 8 } } };

/** What the smallest config of each framework has of its own. */
const OWN_FIELDS: Readonly<Record<string, Fields>> = {
  vllm: { topology: SERVER, params: { concurrency: 8, isl: 8, osl: 8, serve_args: { swap_space: 4 } } },
  sglang_disagg: {
    topology: { roles: { prefill: { count: 1, gpus_per_node: 8 }, decode: { count: 2, gpus_per_node: 8 } } },
    params: { concurrency: 8, isl: 8, osl: 8, chunked_prefill_size: -1 },
  },
  inferencemax: {
    topology: SERVER,
    params: { server_script: 'gptoss_fp4_mi300x.sh', isl: 8, osl: 8 },
    sweep: { concurrency: [4, 8] },
  },
  pytorch_xdit: { topology: WORKER, params: { pipeline: 'wan_t2v', prompt: 'a boat', frame_num: 81 } },
  megatron: { topology: WORKER, params: { fsdp: 4, dp: 2, lr: 0.001, extra_args: { seed: 1 } } },
  jax: {
    topology: WORKER,
    params: { steps: 10, mlp_activations: ['silu', 'linear'] },
    sweep: { degrees: [{ fsdp: 8 }, { dp: 8, name: 'copies' }] },
  },
  torchtitan: {
    topology: WORKER,
    params: { config_file: 'llama3_8b.toml', data_parallel_shard_degree: 8, steps: 10 },
  },
  llama_cpp: {
    target_gpu: 'cpu',
    topology: { roles: { server: { count: 1 } } },
    params: { isl: 8, osl: 4, num_prompts: 10, max_model_length: 64 },
    sweep: { concurrency: [1, 2] },
  },
  jax_js: { target_gpu: 'cpu', topology: { roles: { worker: { count: 1 } } }, params: { learning_rate: 0.003 } },
};

const TRAINING = ['megatron', 'jax', 'torchtitan', 'jax_js'];
const WITHOUT_CONTAINER = ['jax_js'];

const EVERY_THRESHOLD: readonly Fields[] = [
  { kind: 'Percentile', metric: 'ttft_ms', percentile: 99, op: '<=', value: 50, min_samples: 'auto' },
  { kind: 'Rate', metric: 'throughput', per_unit: 'sec', op: '>=', min_rate: 1200, benchmark: 'throughput' },
  {
    kind: 'Goodput',
    metric_pair: { ttft: 'ttft_ms', tpot: 'tpot_ms' },
    ttft_max_ms: 450,
    tpot_max_ms: 40,
    e2el_max_ms: 9000,
    op: '>=',
    min_qps: 6,
  },
  { kind: 'Convergence', metric: 'loss', target: 2.1, epsilon: 0.1, by_step: 500 },
  { kind: 'Convergence', metric: 'perplexity', target: 4, epsilon: 0.1, by_wallclock_sec: 60, op: '<=' },
  { kind: 'Monotonicity', metric: 'loss', window: 'last_quarter', tolerance: 0.02, relative: true },
  { kind: 'Monotonicity', metric: 'grad_norm', window: { last_steps: 50 }, direction: 'non_decreasing', tolerance: 1 },
  { kind: 'Stability', metric: 'step_time_ms', window_size: 50, max_variance: 25 },
];

/** Valid `<config>.thresholds.yaml` files. */
export const THRESHOLD_FILES: readonly Fields[] = [
  { thresholds: [{ ...EVERY_THRESHOLD[0], role: 'server' }, ...EVERY_THRESHOLD.slice(1)] },
  { schema_version: '2', thresholds: EVERY_THRESHOLD.slice(3) },
];

/** Valid cluster files, of each form. */
export const POOLS: readonly unknown[] = [
  ['n1', 'user@n2:22', '10.0.0.1', 'fe80::1'],
  { hosts: ['n1', 'n2'], gpus: 8, labels: ['mi300x'], user: 'bench', port: 22, ssh_key: '~/.ssh/id', executor: 'ssh' },
  {
    executor: 'slurm',
    slurm: { partition: 'gpu', account: 'lab', options: ['--exclusive'] },
    nodes: { n1: { gpus: 8, labels: ['mi300x'], ip: '10.0.0.1', port: 22, user: 'bench', ssh_key: 'id' }, n2: {} },
  },
];

/** The smallest config of a framework. */
export function smallestConfig(framework: string): Fields {
  return {
    schema_version: '2',
    test_id: `small_${framework}`,
    target_gpu: 'mi300x',
    framework,
    workload_kind: TRAINING.includes(framework) ? 'training' : 'inference',
    model: 'tiny',
    ...OWN_FIELDS[framework],
  };
}

/** A config of a framework in which every field of its own kind is written. It only records: nothing has to be covered. */
export function fullConfig(framework: string): Fields {
  const container = {
    image: 'rocm/vllm:0.10.1',
    digest: `sha256:${'0'.repeat(64)}`,
    runtime: 'podman',
    env: { TOKENIZERS_PARALLELISM: false, THREADS: 8, MODE: 'fast' },
    mounts: ['/data:/data:ro'],
    shm_size: '64g',
    devices: ['/dev/kfd'],
  };
  return {
    ...smallestConfig(framework),
    model: {
      id: 'tiny',
      hf_repo: 'org/tiny',
      precision: 'bf16',
      revision: 'main',
      path: 'tiny',
      sha256: 'a'.repeat(64),
    },
    ...(WITHOUT_CONTAINER.includes(framework) ? {} : { container }),
    dataset: { id: 'text', path: 'text.txt', sha256: 'b'.repeat(64), window_length: 256 },
    seed: 7,
    knobs: { quant: 'fp8', attention: 'aiter', mine: 3, flag: true },
    id_knobs: ['quant', 'mine'],
    benchmarks: ['throughput'],
    thresholds: EVERY_THRESHOLD,
    enforce: false,
    exclusive: false,
    reuse_server: false,
    timeouts: { launch: '30m', inactivity: '90s', total: '4h' },
    secrets: { hf_token: { kind: 'SecretValue', source: 'env', env_var: 'HF_TOKEN' } },
  };
}
