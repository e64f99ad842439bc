import { flagWords } from '../shared/flag-words.ts';
import { bootstrapPortOf, plainFlags } from './server-argv.ts';
import type { SglangParams } from './params.ts';

/** What a router is launched with, besides the params of its cell. */
export interface RouterOptions {
  readonly params: SglangParams;
  readonly address: string;
  /** Base URLs of the servers that serve. */
  readonly prefill: readonly string[];
  readonly decode: readonly string[];
}

/** The words of `python3`: `-m sglang_router.launch_router` and its flags. */
export function routerWords({ params, address, prefill, decode }: RouterOptions): readonly string[] {
  const port = String(bootstrapPortOf(params));
  const flags = flagWords({
    host: address,
    port: params.router_port,
    'prefill-policy': params.prefill_policy,
    'decode-policy': params.decode_policy,
    'cache-threshold': params.cache_threshold,
    'balance-abs-threshold': params.balance_abs_threshold,
    'balance-rel-threshold': params.balance_rel_threshold,
    'max-concurrent-requests': params.max_concurrent_requests,
    'queue-size': params.queue_size,
    'queue-timeout-secs': params.queue_timeout_secs,
    ...plainFlags(params.router_args),
  });
  return [
    '-m',
    'sglang_router.launch_router',
    '--pd-disaggregation',
    ...prefill.flatMap((url) => ['--prefill', url, port]),
    ...decode.flatMap((url) => ['--decode', url]),
    ...flags,
  ];
}
