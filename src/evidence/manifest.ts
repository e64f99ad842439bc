import { z } from 'zod';
import { failureSchema, PHASES, STATUSES } from './failure.ts';
import { verdictSchema } from './verdict.ts';

/** The version of the manifest's own shape: readers accept every 1.x. */
export const MANIFEST_VERSION = '1.0';

const measured = z.number().nullable();
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const sha256 = z.string().regex(/^sha256:[0-9a-f]{64}$/);

const hostSchema = z.strictObject({
  hostname: z.string(),
  roles: z.array(z.string()),
  fingerprint: z.record(z.string(), z.union([scalar, z.null()])),
});

const phaseSchema = z.strictObject({
  started_at: z.string(),
  duration_s: z.number().min(0),
  status: z.enum(['ok', 'failed']),
});

const launchSchema = z.strictObject({
  role: z.string(),
  host: z.string(),
  pid: z.number(),
  argv: z.array(z.string()),
});

/** What was asked of a framework, and what it said is in force. */
const appliedSchema = z.strictObject({ asked: scalar, applied: scalar.nullable() });

const sidecarSchema = z.strictObject({ sha256, bytes: z.number(), rows: z.number().nullable() });

/** manifest.json: the index of one run. Every other file of the run directory is listed under `sidecars`. */
export const manifestSchema = z.strictObject({
  schema_version: z.string(),
  // Identity and provenance
  run_id: z.string(),
  test_id: z.string(),
  cell_id: z.string(),
  config_hash: sha256,
  workload_hash: sha256,
  verification_hash: sha256,
  experiment_id: z.string(),
  tool: z.strictObject({ name: z.string(), version: z.string() }),
  git_sha: z.string().nullable(),
  timestamp_start: z.string(),
  timestamp_end: z.string().nullable(),
  // System fingerprint
  hosts: z.array(hostSchema),
  framework_versions: z.record(z.string(), z.string()),
  // Configuration and inputs
  framework: z.string(),
  workload_kind: z.enum(['inference', 'training']),
  target_gpu: z.string(),
  config_file: z.string(),
  model_descriptor: z.record(z.string(), z.unknown()),
  knobs: z.record(z.string(), scalar),
  params: z.record(z.string(), z.unknown()),
  axes: z.record(z.string(), scalar),
  bindings: z.record(z.string(), z.array(z.string())),
  tags: z.array(z.string()),
  launches: z.array(launchSchema),
  // Phase timing and status
  phases: z.partialRecord(z.enum(PHASES), phaseSchema),
  status: z.enum(STATUSES),
  failure: failureSchema.nullable(),
  /** Why the cell was not run; null when it was. */
  skip: z.strictObject({ reason: z.string(), detail: z.string() }).nullable().default(null),
  /** Why the run was ended early; null when it was not. */
  interruption: z.string().nullable().default(null),
  teardown: z
    .strictObject({
      /** Processes of this run that outlived their teardown; null where the host cannot tell. */
      orphans: z.number().nullable(),
      error: z.string().nullable(),
    })
    .nullable(),
  // Verdicts and result
  verdicts: z.array(verdictSchema),
  result: z.strictObject({
    scalars: z.record(z.string(), measured),
    applied: z.record(z.string(), appliedSchema),
    /** The measured window: rates divide by it; warm-up and teardown lie outside. */
    measured: z.strictObject({ started_at_ms: measured, duration_ms: measured }),
  }),
  // Resource summary: per `<role>.<host>`
  resources: z.record(z.string(), z.strictObject({ cpu_s: measured, peak_rss_bytes: measured })),
  // Sidecars: per path inside the run directory
  sidecars: z.record(z.string(), sidecarSchema),
});

/** One run, as manifest.json says it. */
export type Manifest = z.output<typeof manifestSchema>;
