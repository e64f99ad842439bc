import { z } from 'zod';
import { defineFramework } from '../../config/schema/framework.ts';
import { portSchema } from '../shared/serving-params.ts';

/** The params of a cell, axis values included: what is not here, no config can say. */
export const toyServingParams = z.strictObject({
  max_batch: z.int().min(1).exactOptional().describe("Requests that are worked on at once. Absent: the server's own."),
  port: portSchema.default(7000).describe('Port of the server.'),
  num_prompts: z.int().min(1).default(100).describe('Measured requests.'),
  concurrency: z.int().min(1).describe('Requests in flight.'),
});

/** What the config loader must know of the framework. */
export const toyServingSpec = defineFramework({
  name: 'toy_serving',
  workloadKind: 'inference',
  params: toyServingParams,
  knobs: z.looseObject({ backend: z.string().exactOptional().describe('Variant of the server.') }),
  roles: { required: ['server'], optional: ['client'] },
  container: 'optional',
  axisTokens: { concurrency: 'conc', max_batch: 'batch' },
  metrics: ['ttft_ms', 'e2el_ms', 'output_tokens', 'throughput', 'request_throughput'],
  predicates: ['error_rate'],
});
