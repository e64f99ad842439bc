import type { ParseContext, WorkloadResult } from '../../lifecycle/adapter.ts';
import { onlyAsked } from '../shared/applied.ts';
import type { Pair } from '../shared/applied.ts';
import { inWordsOf } from '../shared/number-format.ts';
import { sglangFormat } from '../shared/sglang-startup.ts';
import type { SglangStartup } from '../shared/sglang-startup.ts';
import type { Registered } from './attachments.ts';
import { degreeOf } from './parallelism.ts';
import type { ModelRole } from './parallelism.ts';
import type { SglangParams } from './params.ts';
import type { RouterFacts } from './router-log.ts';
import { attentionFlag } from './stack.ts';

type Applied = WorkloadResult['applied'];
type Scalar = Applied[string]['asked'];

/** What the logs of a run say of how it was set up; one entry per node of a server. */
export interface SetupFacts {
  readonly servers: Readonly<Record<ModelRole, readonly SglangStartup[]>>;
  readonly router: RouterFacts;
  readonly registered: Registered | null;
}

/** What was asked of the servers and the router, by knobs and params, beside what they say is in force. */
export function appliedOf(
  knobs: ParseContext['run']['knobs'],
  params: SglangParams,
  { servers, router, registered }: SetupFacts,
): Applied {
  const all = [...servers.prefill, ...servers.decode];
  const { attention, quant, fused_moe: moe } = knobs;
  const asksAiter = [attention, moe].some((knob) => knob !== undefined && String(knob).startsWith('aiter'));
  return onlyAsked({
    attention: [attention, attentionInForce(attention, servers)],
    aiter: [asksAiter ? true : undefined, aiterInForce(servers)],
    quant: [quant, quant === undefined ? null : inWordsOf(quant, together(all.map(sglangFormat)))],
    quantization: [params.quantization, together(all.map(argument('quantization')))],
    kv_cache_dtype: [params.kv_cache_dtype, together(all.map(argument('kv_cache_dtype')))],
    disaggregation_transfer_backend: [
      params.disaggregation_transfer_backend,
      together(all.map(argument('disaggregation_transfer_backend'))),
    ],
    ...degrees(params, servers, 'prefill'),
    ...degrees(params, servers, 'decode'),
    max_model_length: [params.max_model_length, numberOf(together(all.map(argument('context_length'))))],
    prefill_servers: [registered?.expected.prefill, registered?.registered?.prefill ?? null],
    decode_servers: [registered?.expected.decode, registered?.registered?.decode ?? null],
    prefill_policy: [params.prefill_policy, router.prefillPolicy],
    decode_policy: [params.decode_policy, router.decodePolicy],
  });
}

/** What is the same everywhere, else all of it: `aiter+triton`; null where one of the servers does not say. */
function together(values: readonly (string | null)[]): string | null {
  const known = values.filter((value) => value !== null);
  return known.length < values.length || known.length === 0 ? null : [...new Set(known)].join('+');
}

function argument(name: string): (facts: SglangStartup) => string | null {
  return ({ args }) => args[name] ?? null;
}

function numberOf(text: string | null): Scalar | null {
  return text !== null && /^\d+$/.test(text) ? Number(text) : text;
}

function degrees(
  params: SglangParams,
  servers: SetupFacts['servers'],
  role: ModelRole,
): Readonly<Record<string, Pair>> {
  const [, asked] = degreeOf(params, role, 'tensor');
  return { [`${role}_tensor_parallelism`]: [asked, numberOf(together(servers[role].map(argument('tp_size'))))] };
}

/** The knob's own word where every server has the backend that it stands for, else the names of the backends. */
function attentionInForce(knob: Scalar | undefined, servers: SetupFacts['servers']): Scalar | null {
  const name = attentionName(servers);
  if (knob === undefined || name === null) return null;
  return knob === 'auto' || attentionFlag(knob) === name ? knob : name;
}

function attentionName({ prefill, decode }: SetupFacts['servers']): string | null {
  return together([...prefill.map(backendFor('prefill')), ...decode.map(backendFor('decode'))]);
}

/** A server may have one backend for each of the two kinds of work. */
function backendFor(role: ModelRole): (facts: SglangStartup) => string | null {
  return ({ args, chosenAttention }) => {
    const told = [args[`${role}_attention_backend`], args['attention_backend']];
    return told.find((name) => name !== undefined && name !== 'None') ?? chosenAttention;
  };
}

/** AITER's own lines or its attention say that it is in use; another attention and no such line, that it is not. */
function aiterInForce(servers: SetupFacts['servers']): boolean | null {
  const all = [...servers.prefill, ...servers.decode];
  const attention = attentionName(servers);
  if (attention === 'aiter' || (all.length > 0 && all.every(({ hasLoadedAiter }) => hasLoadedAiter))) return true;
  return attention === null ? null : false;
}
