import type { Framework } from '../../lifecycle/adapter.ts';
import { inferencemaxSpec } from './params.ts';

/** InferenceMAX: a server started by one of its recipes under the load of its own client. */
export const inferencemax: Framework = { spec: inferencemaxSpec, launchVersion: 1, create: null };
