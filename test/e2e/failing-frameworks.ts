import type { FailureCategory, Status } from '../../src/evidence/failure.ts';
import { emulatedConfig } from './emulated.ts';
import type { EmulatedOptions } from './emulated.ts';

/** Emulated configs by the names of their files, and how their runs end. */
type Ends = Readonly<Record<string, readonly [Status, FailureCategory | null, RegExp | null]>>;

/** A session in which one thing goes wrong everywhere. */
export interface Failing extends EmulatedOptions {
  readonly emulate: string;
  readonly ends: Ends;
}

const safety = (message: RegExp): Ends[string] => ['failed_safety', 'safety_violation', message];
const pattern = (message: RegExp): Ends[string] => ['failed_pattern', 'failure_pattern_matched', message];
const setup = (message: RegExp): Ends[string] => ['failed_setup', 'setup_failure', message];
const liveness = (message: RegExp): Ends[string] => ['failed_liveness', 'liveness_failure', message];
const parse = (message: RegExp): Ends[string] => ['failed_parse', 'parse_failure', message];
const missed = (message: RegExp): Ends[string] => ['failed_verification', 'verification_failure', message];
const through: Ends[string] = ['passed', null, null];

const NAN = safety(/^loss_finite: loss is NaN at step 5$/);
const OUT_OF_MEMORY = pattern(/^gpu_out_of_memory in (?:server|worker)\.\w+ - /);
const stoodAt = (done: number) => liveness(new RegExp(`^no progress for 5\\.0 s \\(stood at ${done} of 20 step\\) - `));

/** The text of a config whose roles run in an image that is nowhere. */
export const contained = emulatedConfig('vllm')
  .replace('test_id: emulated_vllm', 'test_id: contained')
  .replace('[2, 4]', '[4]')
  .replace('"emulated"', '"of_vllm"')
  .replace('quant: fp4', 'quant: mxfp4')
  .concat(`container: {image: "assay-is-nowhere:1", digest: "sha256:${'0'.repeat(64)}", pull: never}\n`);

/** What goes wrong, by what it is. */
export const FAILING: Readonly<Record<string, Failing>> = {
  'a loss that is no number, and no result': {
    emulate: 'nan_at_step=5,no_result',
    ends: {
      jax: NAN,
      // It ends itself, and says where.
      megatron: NAN,
      torchtitan: NAN,
      vllm: parse(/\/attachments\/vllm-bench\.json is missing - /),
      inferencemax: parse(/\/attachments\/inferencemax\.json is missing - /),
      wan: parse(/^the pipeline left no timings - it left wan1\/video\.mp4, /),
    },
  },
  'a hang, and servers that the router does not know': {
    emulate: 'hang_at_step=5,prefill_missing',
    change: (config) => config.replace(/^timeouts.*$/m, 'timeouts: {launch: 12s, inactivity: 5s, total: 1m}'),
    ends: {
      // It counts from 0.
      jax: stoodAt(5),
      megatron: stoodAt(4),
      torchtitan: stoodAt(4),
      sglang: setup(/^router on \w+ gave up on prefill on sglang\d \(http:\S+\): Workflow failed at step /),
    },
  },
  'a death in mid-work': {
    emulate: 'die_at_step=5,die_after=3',
    ends: {
      jax: safety(/^worker_alive: worker on jax\d ended with SIGABRT before its work was done$/),
      megatron: safety(/^worker_alive: worker on megatron1 ended with code 1 before its work was done$/),
      torchtitan: safety(/^worker_alive: worker on torchtitan\d ended with SIGABRT before its work was done$/),
      vllm: safety(/^server_alive: server on vllm1 ended with code 1 while it was needed$/),
      inferencemax: safety(/^server_alive: server on inferencemax1 ended with code 1 while it was needed$/),
    },
  },
  'memory that is used up, and a decode server that dies': {
    emulate: 'oom,oom_at_step=3,die_at=1,die_after=decode:3',
    ends: {
      vllm: OUT_OF_MEMORY,
      megatron: OUT_OF_MEMORY,
      flux: OUT_OF_MEMORY,
      wan: OUT_OF_MEMORY,
      sglang: pattern(/^gpu_fault in decode\.sglang\d - /),
    },
  },
  'a refusal to start, and a collective that does not end': {
    emulate: 'refuse_start,nccl_timeout=5',
    files: { 'configs/contained.yaml': contained },
    ends: {
      // Its last line may be read before its end is noticed, or after.
      vllm: setup(/^server on vllm1 (?:ended with code 2 before it was ready|said that it failed: .*--no-such-flag)$/),
      inferencemax: setup(/^server on inferencemax1 ended with code 1 before it was ready$/),
      sglang: setup(/^\w+ on sglang\d (?:ended with code 2 before it was ready|said that it failed: .*--refused)$/),
      flux: setup(/^worker on flux1 ended with code 1 before its first image$/),
      megatron: pattern(/^nccl_timeout in worker\.megatron\d - /),
      contained: setup(/assay-is-nowhere/),
    },
  },
  'no step in a log, and results that nobody can read': {
    emulate: 'no_lines,cut_result,truncated_result,unknown_shape',
    ends: {
      jax: parse(
        /^no line of worker\.jax1\.log \(\d+ lines\), worker\.jax2\.log \(\d+ lines\) reports a finished step - /,
      ),
      megatron: parse(/^no line of logs\/worker\.megatron1\.log, logs\/worker\.megatron2\.log reports an iteration /),
      torchtitan: parse(/^no line of worker\.torchtitan1\.log \(\d+ lines\), .* reports a finished step - /),
      vllm: parse(/vllm-bench\.json:1:\d+ is cut short: its JSON ends in the middle, after \d+ bytes: /),
      inferencemax: parse(/inferencemax\.json:1:\d+ is cut short: its JSON ends in the middle, after \d+ bytes: /),
      flux: parse(/timing\.json \(\d+ bytes\) is not what this version reads: .*expected array/),
      wan: parse(/rank0_step1\.json \(\d+ bytes\) is not what this version reads: total_time: /),
    },
  },
  'servers that answer nothing': {
    emulate: 'all_fail',
    ends: {
      vllm: safety(/^error_rate: 24 of 24 requests failed$/),
      inferencemax: missed(/^throughput must be >= 1 tokens\/s: 0 of 24 requests completed; /),
      sglang: safety(/^worker_alive: bench on sglang1 ended with code 1 before its work was done$/),
    },
  },
  'something else than was asked': {
    emulate: [
      'wrong_attention=dot_product',
      'wrong_quant',
      'wrong_quantization=int8',
      'wrong_context',
      'wrong_mesh',
      'compile_dropped',
      'xla_flag_dropped=xla_gpu_enable_latency_hiding_scheduler',
      'unbalanced_router',
      'slow_host=1',
      'fail_requests=6',
      'health_flaps',
    ].join(','),
    // Transformer Engine and bf16 are what there is in any case.
    change: (config) =>
      config.replace('attention: te', 'attention: fa').replace('quant: bf16, backend', 'quant: fp8, backend'),
    ends: {
      vllm: missed(/^share of failed requests is 0\.25, must be <= 0\.01 .*share of failed probes is /),
      sglang: missed(/^largest share of the requests over the even share is 2, must be <= 1\.5 /),
      jax: missed(/^median step_time_ms of the slowest rank over that of a usual one is .*slowest of 2: worker jax2/),
      torchtitan: through,
      inferencemax: through,
      megatron: through,
    },
  },
};
