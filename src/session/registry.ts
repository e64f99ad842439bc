import type { Framework } from '../lifecycle/adapter.ts';
import { inferencemax } from '../adapters/inferencemax/index.ts';
import { jaxJs } from '../adapters/jax-js/index.ts';
import { jax } from '../adapters/jax/index.ts';
import { llamaCpp } from '../adapters/llama-cpp/index.ts';
import { megatron } from '../adapters/megatron/index.ts';
import { pytorchXdit } from '../adapters/pytorch-xdit/index.ts';
import { sglangDisagg } from '../adapters/sglang-disagg/index.ts';
import { torchtitan } from '../adapters/torchtitan/index.ts';
import { vllm } from '../adapters/vllm/index.ts';

/** Every framework there is: a new one is one folder under adapters/ and one line here. */
export const frameworks: readonly Framework[] = [
  vllm,
  sglangDisagg,
  inferencemax,
  pytorchXdit,
  megatron,
  jax,
  torchtitan,
  llamaCpp,
  jaxJs,
];
