import { z } from 'zod';
import { DURATION, parseDurationMs } from '../../core/units.ts';
import { containerSchema } from './container.ts';
import { NAME, NAME_RULE } from './name.ts';
import { secretsSchema } from './secrets.ts';
import { thresholdSchema } from '../threshold.ts';
import { topologySchema } from './topology.ts';

const scalarSchema = z.union([z.string(), z.number(), z.boolean()]);
const name = z.string().regex(NAME, NAME_RULE);
const sha256 = z.string().regex(/^(sha256:)?[0-9a-f]{64}$/, 'a sha256: 64 hex digits');

const duration = z
  .string()
  .regex(DURATION, 'a duration such as 30s, 10m or 4h')
  .transform((text) => parseDurationMs(text) ?? 0);

const modelFields = z.strictObject({
  id: name.describe('Name of the model, in tags and test ids.'),
  hf_repo: z.string().min(1).exactOptional().describe('Repository on the Hugging Face hub.'),
  precision: z.string().min(1).exactOptional().describe('Number format of the weights, e.g. bf16 or fp8.'),
  revision: z.string().min(1).exactOptional().describe('Commit, tag or branch of the repository.'),
  path: z.string().min(1).exactOptional().describe('File or folder of the weights, relative to the config file.'),
  sha256: sha256.exactOptional().describe('Hash of that file: what is loaded must have it.'),
});
const modelName = z.string().regex(NAME, { error: ({ input }) => adviseModel(input) });
const modelSchema = z.union([modelName.transform((id): z.output<typeof modelFields> => ({ id })), modelFields]);

function adviseModel(written: unknown): string {
  const [, id] = /^[\w.-]+\/([\w.-]+)$/.exec(typeof written === 'string' ? written : '') ?? [];
  return id === undefined ? NAME_RULE : `write {id: ${id}, hf_repo: ${String(written)}}`;
}

const datasetSchema = z.strictObject({
  id: name.describe('Name of the dataset.'),
  path: z.string().min(1).exactOptional().describe('File of the dataset, relative to the config file.'),
  sha256: sha256.exactOptional().describe('Hash of that file: what is read must have it.'),
  window_length: z.int().min(2).exactOptional().describe('Tokens of a window that a perplexity is measured on.'),
});

const axisSchema = z.union([
  z.array(scalarSchema).min(1),
  z.array(z.record(z.string(), z.unknown())).min(1),
  scalarSchema,
]);
const selectorSchema = z.record(z.string(), scalarSchema).meta({
  id: 'selector',
  description: 'Axis names with a value or the name of an option: the cells that have all of them.',
});

const sweepSchema = z
  .object({
    exclude: z.array(selectorSchema).default([]).describe('Cells to leave out.'),
    include: z.array(selectorSchema).default([]).describe('The only cells to keep; empty keeps all.'),
  })
  .catchall(axisSchema);

const distinctNames = z
  .array(z.string().min(1))
  .refine((names) => new Set(names).size === names.length, 'a list of names, each of them once')
  .meta({ uniqueItems: true });

/**
 * The schema of one config file. `params` stays open here: each framework
 * closes it with its own strict schema, once per cell, with the axis values in.
 */
export const workloadSchema = z.strictObject({
  schema_version: z.literal('2').describe('Version of this format, in quotes.'),
  test_id: name.describe('Name of this config, and of its folder under the artifact directory.'),
  target_gpu: name.describe('GPU that the nodes must have, e.g. mi300x; cpu needs none.'),
  framework: z.string().describe('What runs the workload: it decides which params, knobs, axes and roles there are.'),
  workload_kind: z.enum(['inference', 'training']).describe('What the workload does, as its framework does.'),
  topology: topologySchema
    .exactOptional()
    .describe('The nodes that a cell needs, by role; an option of the sweep may have its own.'),
  model: modelSchema.describe('The model: its name, or its name and where it comes from.'),
  container: containerSchema
    .exactOptional()
    .describe('The image that the workload runs in; without one it runs on the node itself.'),
  dataset: datasetSchema.exactOptional().describe('What is trained on, or where prompts come from.'),
  seed: z.int().min(0).default(0).describe('Seed of everything random, so that a run can be repeated.'),
  knobs: z
    .record(z.string(), scalarSchema)
    .default({})
    .describe('Choices of the software stack to compare runs by, e.g. `attention: aiter`; each is a tag.'),
  id_knobs: distinctNames
    .default(['attention', 'quant'])
    .describe('Knobs whose values stand in test ids; add one where two configs would share an id.'),
  params: z.record(z.string(), z.unknown()).default({}).describe('Settings of the framework that hold for all cells.'),
  sweep: sweepSchema
    .default({ exclude: [], include: [] })
    .describe('What varies: a param with a list of values, or a named list of options whose fields vary together.'),
  benchmarks: distinctNames
    .default([])
    .describe('What is judged, e.g. ttft_p99; each needs a threshold that answers it in every cell.'),
  thresholds: z.array(thresholdSchema).default([]).describe('What the measured values must be.'),
  enforce: z
    .boolean()
    .default(true)
    .describe('Whether a missed threshold fails its claims; false only records, and gaps are warnings.'),
  exclusive: z
    .boolean()
    .default(true)
    .describe('Whether a cell has its nodes to itself while it runs; false lets others run beside it.'),
  canary: z
    .boolean()
    .default(false)
    .describe('Whether the first cell runs alone: if its setup fails, the others are not launched.'),
  reuse_server: z
    .boolean()
    .default(true)
    .describe('Whether the next cell may use the server of the last one when both launch it the same way.'),
  timeouts: z
    .strictObject({
      launch: duration.default(30 * 60_000).describe('Longest time until a server is ready; 30m by default.'),
      inactivity: duration.default(10 * 60_000).describe('Longest time without progress; 10m by default.'),
      total: duration.default(4 * 3_600_000).describe('Longest time of the whole workload; 4h by default.'),
    })
    .prefault({})
    .describe('When a run that hangs is ended, as durations such as 30s, 10m or 4h.'),
  secrets: secretsSchema
    .default({})
    .describe('Environment variables that a workload gets and nothing else ever shows, by a name of your own.'),
});

/** The schema of `<config>.thresholds.yaml`, the thresholds that live beside their config. */
export const thresholdsFileSchema = z.strictObject({
  schema_version: z.literal('2').exactOptional().describe('Version of this format, in quotes.'),
  thresholds: z
    .array(thresholdSchema)
    .describe('What the measured values must be, besides what the config itself says.'),
});

/** One config file, validated; durations are milliseconds. */
export type Workload = z.output<typeof workloadSchema>;
/** How a sweep is written: its axes by name, and the selectors that thin it out. */
export type Sweep = z.output<typeof sweepSchema>;
/** Picks cells by axis value or option name. */
export type Selector = z.output<typeof selectorSchema>;
