import type { Framework } from '../../lifecycle/adapter.ts';
import { VLLM_GAUGES } from '../shared/metrics-vllm.ts';
import type { Observer } from '../shared/program.ts';
import { programAdapter } from '../shared/program-adapter.ts';
import { observeServing } from '../shared/serving-observe.ts';
import { keepStartup } from '../shared/startup-keep.ts';
import { planInferencemax } from './launch.ts';
import { inferencemaxSpec } from './params.ts';
import { parseInferencemax } from './parse.ts';
import { watchInferencemax } from './progress.ts';
import { STARTUP } from './server-log.ts';

// Most recipes serve with vLLM; of the others only the health is seen.
const observeServer = observeServing({ gauges: VLLM_GAUGES, healthPath: '/health' });
const observe: Observer = async (context, servers) => {
  await keepStartup(context, servers, STARTUP);
  return observeServer(context, servers);
};

/** InferenceMAX: a server started by one of its recipes under the load of its own client. */
export const inferencemax: Framework = {
  spec: inferencemaxSpec,
  launchVersion: 1,
  sampleColumns: [
    { name: 'latency_ms', type: 'DOUBLE', unit: 'ms', description: 'End-to-end latency, the same as e2el_ms.' },
    { name: 'tokens', type: 'BIGINT', description: 'Tokens of the prompt and of the answer together.' },
    {
      name: 'throughput_tps',
      type: 'DOUBLE',
      unit: 'tokens/s',
      description: 'Output tokens of the request per second of its latency.',
    },
  ],
  create: () =>
    programAdapter({
      plan: (request, scratch) => ({ ...planInferencemax(request, scratch), observe }),
      watch: watchInferencemax,
      parse: parseInferencemax,
    }),
};
