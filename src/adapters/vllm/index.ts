import type { Adapter, Framework, ReadyRole } from '../../lifecycle/adapter.ts';
import type { MetricSample } from '../shared/metrics-scrape.ts';
import { VLLM_GAUGES } from '../shared/metrics-vllm.ts';
import { programAdapter } from '../shared/program-adapter.ts';
import { observeServing } from '../shared/serving-observe.ts';
import { keepStartup } from '../shared/startup-keep.ts';
import { isVllmStartupLine } from '../shared/vllm-startup.ts';
import { planVllm } from './launch.ts';
import { vllmSpec } from './params.ts';
import { parseVllm } from './parse.ts';
import { watchVllm } from './progress.ts';
import { servedSince } from './served.ts';
import { startupFile } from './startup-file.ts';

/** vLLM: `vllm serve` on one or more nodes under the load of `vllm bench serve`. */
export const vllm: Framework = { spec: vllmSpec, launchVersion: 1, create: createVllm };

function createVllm(): Adapter {
  const served = servedSince();
  const observe = observeServing({
    gauges: VLLM_GAUGES,
    healthPath: '/health',
    onScrape: (_server: ReadyRole, samples: readonly MetricSample[]) => served.take(samples),
  });
  return programAdapter({
    plan: (request, scratch) => ({
      ...planVllm(request, scratch),
      observe: async (context, servers) => {
        await keepStartup(context, servers, { fileOf: startupFile, isStartupLine: isVllmStartupLine });
        return observe(context, servers);
      },
    }),
    watch: (request) => watchVllm(request, () => served.now()),
    parse: parseVllm,
  });
}
