import type { Reason } from './outcome.ts';

const BY_PATH: readonly (readonly [pattern: RegExp, why: string, todo: string])[] = [
  [/container\.(?:name|lifetime)$|container_name$/, 'containers are named and removed by their run', ''],
  [
    /privileged$|runtime\.args\.ipc$/,
    'containers are not privileged and share no IPC namespace here',
    'give what is needed by name: devices, mounts, shm_size',
  ],
  [
    /runtime\.args\.ulimit/,
    'a container has no such option here',
    'set the limit in the container engine of the nodes',
  ],
  [/(?:log_dir|scripts_dir|output_base_dir|shared_fs)$/, 'logs and results go to the run directory', ''],
  [
    /(?:models_dir|data_cache_dir|hf_home)$/,
    'a folder of the host',
    'mount it under container.mounts, and set HF_HOME under container.env',
  ],
  [
    /poll_(?:count|wait_time|iterations)$|timeout_sec(?:s|onds)?$/,
    'a run ends by its own progress',
    'set timeouts: {launch, inactivity, total}',
  ],
  [
    /(?:base_url|master_addr|master_address|coordinator_addr|coordinator_ip)$/,
    'the binding says it, run by run',
    'name the nodes in the cluster file',
  ],
  [/node_list|_node$/, 'hosts are no part of a config', 'name the nodes in the cluster file'],
  [
    /nic_type$|hca|ib_netdev$|mount_vol$|rdma_lib|\.nccl\.|ib_(?:tc|sl)$/,
    'a network device of the old cluster',
    'set NCCL_IB_HCA and the like under container.env',
  ],
  [/verify_network_errors$/, 'a check of the old suite', 'the kernel log of every run is kept'],
  [
    /(?:megatron|torchtitan)_root$|train_script|training_scripts|rocm_dir$|benchmark_server_script_path$/,
    'where the image has its scripts is for the adapter',
    'see docs/frameworks.md',
  ],
  [
    /(?:bench_serv_script|benchmark_script_repo|server_script)$/,
    'the adapter starts the client and the server itself',
    'put flags that the script set into serve_args or bench_args',
  ],
  [/threshold_json$|threshold_file$/, 'names no file that is there', 'write the thresholds by hand'],
  [/^accuracy\b|lm_eval|niah/, 'an accuracy task, and none runs here', 'run the task by itself'],
  [/convergence\b/, 'a target of 0 or less checked nothing', 'set a Convergence'],
  [/loss_curve/, 'the slope of the loss', 'set a Monotonicity of loss'],
  [/checkpoint/, 'a test of checkpoints, which no adapter runs', ''],
  [/error_patterns/, 'patterns of fatal lines are for all runs alike', 'see the pattern catalogue in docs/running.md'],
  [/scaling_baseline/, 'a baseline of another run', 'compare runs with assay query'],
  [/smoke/, 'a small run of its own', 'give a run fewer steps with --set'],
  [/run_card/, 'a note about the run', ''],
  [/model\.remote$/, 'whether the suite fetched the model', 'a model comes from its repository or path'],
  [/model_num_params$|peak_gpu_tflops$/, 'only there for the utilization of the peak', ''],
  [/nnodes$|distributed(?:_training)?$/, 'the topology says it', ''],
  [/base_config$/, 'the adapter names the base config of MaxText', ''],
  [/dataset_source|mock_data$/, 'a dataset is declared under dataset', 'set dataset: {id, path}'],
  [/use_generated_config$/, 'the adapter writes the options of torchtitan itself', ''],
  [
    /enable_async_tensor_parallel$|precompute_float8|converters$|hf_assets_path$/,
    'an option whose section depends on the release of torchtitan',
    'set it in the config_file',
  ],
  [/proxy_router_port$/, 'the router listens on proxy_router_serv_port', ''],
  [/tokenizer_path$/, 'the copy of the tokenizer that the old suite fetched', 'tokenizer_model names it on the hub'],
];

/** What files for MaxText also have, and MaxText never read. */
const NOT_OF_MAXTEXT =
  /\.(?:micro_batch_size|precision|sequence_length|tensor_parallelism|pipeline_parallelism|recompute|fsdp|model_size)$/;

/** Why a field stands nowhere in the YAML, and what to do. */
export function reasonOf(path: string, framework: string): Reason {
  if (framework === 'jax' && NOT_OF_MAXTEXT.test(path)) {
    return { why: 'MaxText never read it: its own options say the same', todo: '' };
  }
  const found = BY_PATH.find(([pattern]) => pattern.test(path));
  if (found !== undefined) return { why: found[1], todo: found[2] };
  return { why: `no field of ${framework} takes it here`, todo: 'see docs/frameworks.md for what there is' };
}
