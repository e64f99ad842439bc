import type { Adapter, Framework } from '../../lifecycle/adapter.ts';
import { programAdapter } from '../shared/program-adapter.ts';
import { planSglang } from './launch.ts';
import { SglangLoad } from './observe.ts';
import { sglangDisaggSpec } from './params.ts';
import { parseSglang } from './parse.ts';
import { watchSglang } from './progress.ts';

/** SGLang with prefill and decode apart: both kinds of server, a router before them, a load client before that. */
export const sglangDisagg: Framework = { spec: sglangDisaggSpec, launchVersion: 1, create: createSglang };

function createSglang(): Adapter {
  const load = new SglangLoad();
  return programAdapter({
    plan: (request, scratch) => ({ ...planSglang(request, scratch), observe: load.observe }),
    watch: (request) => watchSglang(request, () => load.served()),
    parse: parseSglang,
  });
}
