import { z } from 'zod';
import { parseDurationMs } from '../core/units.ts';
import { NAME, NAME_RULE } from './name.ts';
import { thresholdSchema } from './threshold.ts';
import { topologySchema } from './topology.ts';

const scalarSchema = z.union([z.string(), z.number(), z.boolean()]);
const name = z.string().regex(NAME, NAME_RULE);
const sha256 = z.string().regex(/^(sha256:)?[0-9a-f]{64}$/, 'a sha256: 64 hex digits');

const duration = z.string().transform((text, context) => {
  const ms = parseDurationMs(text);
  if (ms !== null) return ms;
  context.addIssue({ code: 'custom', message: 'a duration such as 30s, 10m or 4h', input: text });
  return z.NEVER;
});

const modelSchema = z.preprocess(
  (value) => (typeof value === 'string' ? { id: value } : value),
  z.strictObject({
    id: name,
    hf_repo: z.string().exactOptional(),
    precision: z.string().exactOptional(),
    revision: z.string().exactOptional(),
    path: z.string().exactOptional(),
    sha256: sha256.exactOptional(),
  }),
);

const datasetSchema = z.strictObject({
  id: name,
  path: z.string().exactOptional(),
  sha256: sha256.exactOptional(),
  window_length: z.int().min(2).exactOptional(),
});

const axisSchema = z.union([
  z.array(scalarSchema).min(1),
  z.array(z.record(z.string(), z.unknown())).min(1),
  scalarSchema,
]);
const selectorSchema = z.record(z.string(), scalarSchema);

const sweepSchema = z
  .object({
    exclude: z.array(selectorSchema).default([]),
    include: z.array(selectorSchema).default([]),
  })
  .catchall(axisSchema);

/**
 * The schema of one config file. `params` stays open here: each framework
 * closes it with its own strict schema, once per cell, with the axis values in.
 */
export const workloadSchema = z.strictObject({
  schema_version: z.literal('2'),
  test_id: name,
  target_gpu: name,
  framework: z.string(),
  workload_kind: z.enum(['inference', 'training']),
  topology: topologySchema,
  model: modelSchema,
  dataset: datasetSchema.exactOptional(),
  seed: z.int().min(0).default(0),
  knobs: z.record(z.string(), scalarSchema).default({}),
  id_knobs: z.array(z.string()).default(['attention', 'quant']),
  params: z.record(z.string(), z.unknown()).default({}),
  sweep: sweepSchema.default({ exclude: [], include: [] }),
  benchmarks: z.array(z.string()).default([]),
  thresholds: z.array(thresholdSchema).default([]),
  enforce: z.boolean().default(true),
  timeouts: z
    .strictObject({
      launch: duration.default(30 * 60_000),
      inactivity: duration.default(10 * 60_000),
      total: duration.default(4 * 3_600_000),
    })
    .prefault({}),
});

const { framework, knobs, params, sweep } = workloadSchema.shape;

/** The part of a config that its framework checks; the rest may be anything, or missing. */
export const frameworkPartSchema = z.object({ framework, knobs, params, sweep });

/** What a framework checks of a config. */
export type FrameworkPart = Pick<Workload, 'knobs' | 'params' | 'sweep'>;
/** One config file, validated; durations are milliseconds. */
export type Workload = z.output<typeof workloadSchema>;
/** How a sweep is written: its axes by name, and the selectors that thin it out. */
export type Sweep = z.output<typeof sweepSchema>;
/** Picks cells by axis value or option name. */
export type Selector = z.output<typeof selectorSchema>;
