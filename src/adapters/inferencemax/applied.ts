import type { ParseContext, WorkloadResult } from '../../lifecycle/adapter.ts';
import type { Scalar } from '../../config/schema/framework.ts';
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
  const asked: Readonly<Record<string, readonly [asked: unknown, applied: Scalar | null | undefined]>> = {
    concurrency: [params.concurrency, said['concurrency']],
    num_prompts: [params.num_prompts, said['num_prompts']],
    tensor_parallelism: [params.tensor_parallelism, said['tensor_parallelism'] ?? server.tensorParallelism],
    expert_parallelism: [params.expert_parallelism, said['expert_parallelism']],
    dp_attention: [params.dp_attention, said['dp_attention']],
    isl: [params.isl, said['isl']],
    osl: [params.osl, said['osl']],
    max_model_length: [params.max_model_length, server.maxModelLength],
    attention: [knobs['attention'], server.attention],
  };
  return Object.fromEntries(
    Object.entries(asked).flatMap(([name, [wanted, applied]]) =>
      isScalar(wanted) ? [[name, { asked: wanted, applied: applied ?? null }] as const] : [],
    ),
  );
}

function isScalar(value: unknown): value is Scalar {
  return ['string', 'number', 'boolean'].includes(typeof value);
}
