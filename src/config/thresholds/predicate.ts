import { z } from 'zod';
import type { TopologyKind } from '../schema/topology.ts';
import { defineKind, scopeFields } from './kind.ts';

const names = ['loss_finite', 'no_straggler', 'router_balance', 'error_rate', 'health'] as const;

/** A benchmark with a limit of its own, which a config asks for without a threshold. */
export type PredicateName = (typeof names)[number];

// What compares ranks or servers says nothing where there is one.
const TOPOLOGIES: { readonly [Name in PredicateName]?: TopologyKind } = {
  no_straggler: 'distributed',
  router_balance: 'disagg',
};

/** Whether a predicate has anything to judge in cells of this topology. */
export function isJudgedIn(topology: TopologyKind, predicate: PredicateName): boolean {
  return (TOPOLOGIES[predicate] ?? topology) === topology;
}

/**
 * `{kind: Predicate, predicate: loss_finite}`: what judges a benchmark that takes no threshold. No config can write it: a
 * cell gets it by asking for the benchmark.
 */
export const predicateKind = defineKind({
  schema: z
    .strictObject({
      kind: z.literal('Predicate'),
      predicate: z.enum(names),
      ...scopeFields,
    })
    .readonly(),
  benchmark: ({ predicate }) => predicate,
  metrics: () => [],
  vacuous: () => null,
  example: () => null,
});
