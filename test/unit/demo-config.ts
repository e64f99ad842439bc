/** A small valid config: two cells, one benchmark, nothing that needs a model file to load. */
export const DEMO_CONFIG = `schema_version: "2"
test_id: demo
target_gpu: cpu
framework: llama_cpp
workload_kind: inference
topology: {roles: {server: {count: 1}}}
model: {id: tiny, precision: f32}
knobs: {quant: f32, attention: none}
params: {isl: 8, osl: 4, num_prompts: 10, max_model_length: 64}
sweep: {concurrency: [1, 2]}
benchmarks: [ttft_p99]
thresholds: [{kind: Percentile, metric: ttft_ms, percentile: 99, op: "<=", value: 50}]
`;
