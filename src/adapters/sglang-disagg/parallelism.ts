import { z } from 'zod';
import { refuse } from '../shared/serving-params.ts';

const degree = z.int().min(1);

/** How the GPUs of a server share the work. */
export const parallelFields = {
  tensor_parallelism: degree.default(1).describe('GPUs that share each layer.'),
  pipeline_parallelism: degree.default(1).describe('Stages that the layers are split into.'),
  data_parallelism: degree
    .default(1)
    .describe('Replicas, each on GPUs of its own; with `enable_dp_attention`, groups of the tensor parallel GPUs.'),
  expert_parallelism: degree
    .default(1)
    .describe('Groups of the tensor parallel GPUs that the experts are spread over.'),
  prefill_tensor_parallelism: degree
    .exactOptional()
    .describe('`tensor_parallelism` of the prefill servers, where it differs.'),
  prefill_pipeline_parallelism: degree
    .exactOptional()
    .describe('`pipeline_parallelism` of the prefill servers, where it differs.'),
  prefill_data_parallelism: degree
    .exactOptional()
    .describe('`data_parallelism` of the prefill servers, where it differs.'),
  prefill_expert_parallelism: degree
    .exactOptional()
    .describe('`expert_parallelism` of the prefill servers, where it differs.'),
  decode_tensor_parallelism: degree
    .exactOptional()
    .describe('`tensor_parallelism` of the decode servers, where it differs.'),
  decode_pipeline_parallelism: degree
    .exactOptional()
    .describe('`pipeline_parallelism` of the decode servers, where it differs.'),
  decode_data_parallelism: degree
    .exactOptional()
    .describe('`data_parallelism` of the decode servers, where it differs.'),
  decode_expert_parallelism: degree
    .exactOptional()
    .describe('`expert_parallelism` of the decode servers, where it differs.'),
  enable_dp_attention: z
    .boolean()
    .default(false)
    .describe('Data parallel attention: `data_parallelism` then takes no GPUs of its own.'),
};

/** The degrees of a cell, for both roles. */
export type Parallelism = z.output<z.ZodObject<typeof parallelFields>>;
type Kind = 'tensor' | 'pipeline' | 'data' | 'expert';

/** The roles whose servers hold the model. */
export const MODEL_ROLES = ['prefill', 'decode'] as const;

/** A role whose servers hold the model. */
export type ModelRole = (typeof MODEL_ROLES)[number];

/** The degrees that multiply up to the GPUs of one server of a role, by the params that set them. */
export function degreesOf(params: Parallelism, role: ModelRole): Readonly<Record<string, number>> {
  const kinds: readonly Kind[] = params.enable_dp_attention ? ['tensor', 'pipeline'] : ['tensor', 'pipeline', 'data'];
  return Object.fromEntries(kinds.map((kind) => degreeOf(params, role, kind)));
}

/** Refuses groups that do not divide the tensor parallel GPUs of a server. */
export function checkGroups(payload: z.core.ParsePayload<Parallelism>): void {
  const params = payload.value;
  const kinds: readonly Kind[] = params.enable_dp_attention ? ['data', 'expert'] : ['expert'];
  const refused = new Set<string>();
  for (const role of MODEL_ROLES) {
    const [tensorName, tensor] = degreeOf(params, role, 'tensor');
    for (const kind of kinds) {
      const [name, groups] = degreeOf(params, role, kind);
      if (tensor % groups === 0 || refused.has(name)) continue;
      refused.add(name);
      refuse(payload, name, `set a divisor of ${tensorName} (${tensor})`);
    }
  }
}

/** One degree of a role, by the param that sets it. */
export function degreeOf(params: Parallelism, role: ModelRole, kind: Kind): readonly [name: string, degree: number] {
  const own = params[`${role}_${kind}_parallelism`];
  return own === undefined
    ? [`${kind}_parallelism`, params[`${kind}_parallelism`]]
    : [`${role}_${kind}_parallelism`, own];
}
