import type { Framework } from '../../lifecycle/adapter.ts';
import { sglangDisaggSpec } from './params.ts';

/** SGLang with prefill and decode apart: both kinds of server, a router before them, a load client before that. */
export const sglangDisagg: Framework = { spec: sglangDisaggSpec, launchVersion: 1, create: null };
