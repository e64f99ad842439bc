import type { ParseContext, WorkloadResult } from '../../lifecycle/adapter.ts';
import { onlyAsked } from '../shared/applied.ts';
import { inWordsOf } from '../shared/number-format.ts';
import type { InferencemaxParams } from './params.ts';
import type { Found } from './result-files.ts';
import type { ServerFacts } from './server-log.ts';

interface Asked {
  readonly params: InferencemaxParams;
  readonly knobs: ParseContext['run']['knobs'];
}

interface Evidence {
  readonly found: Found;
  readonly server: ServerFacts;
}

/** What was asked of the recipe and the client, and what their results and the server's log say is in force. */
export function appliedTo({ params, knobs }: Asked, { found, server }: Evidence): WorkloadResult['applied'] {
  const said = { ...found.aggregate?.origin.params, ...found.raw?.origin.params };
  const { attention, quant } = knobs;
  return onlyAsked({
    concurrency: [params.concurrency, said['concurrency'] ?? null],
    num_prompts: [params.num_prompts, said['num_prompts'] ?? null],
    tensor_parallelism: [params.tensor_parallelism, said['tensor_parallelism'] ?? server.tensorParallelism],
    expert_parallelism: [params.expert_parallelism, said['expert_parallelism'] ?? null],
    dp_attention: [params.dp_attention, said['dp_attention'] ?? null],
    isl: [params.isl, said['isl'] ?? null],
    osl: [params.osl, said['osl'] ?? null],
    max_model_length: [params.max_model_length, server.maxModelLength],
    attention: [attention, server.attention],
    // The precision of an aggregate is what its workflow was told, not what the server found.
    quant: [quant, quant === undefined ? null : inWordsOf(quant, server.format)],
  });
}
