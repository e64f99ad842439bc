import { z } from 'zod';
import { failureSchema, PHASES, STATUSES } from './failure.ts';
import { verdictSchema } from './verdict.ts';

/** The version of the manifest's own shape: readers accept every 1.x. */
export const MANIFEST_VERSION = '1.2';

const measured = z.number().nullable();
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const sha256 = z.string().regex(/^sha256:[0-9a-f]{64}$/);

const hostSchema = z.strictObject({
  hostname: z.string(),
  /** Where it was reached; null for this machine. */
  ip: z.string().nullable().default(null),
  /** Its roles in one text, `prefill+router`. */
  role: z.string().default(''),
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
  /** The container it runs in; null for a process of the host. */
  container: z.string().nullable().default(null),
  argv: z.array(z.string()),
  /** Environment that the role was given on top of its host's; of a secret only which one. */
  env: z.record(z.string(), z.string()).default({}),
  /** The run that started it, where its server was used again: its launch cost this run nothing. */
  reused_from: z.string().nullable().default(null),
});

/** What became of one instrument: it points at its sidecars, and never decides about the run. */
const instrumentSchema = z.strictObject({
  status: z.enum(['ok', 'degraded', 'unavailable']),
  /** Why it is not ok, each in a sentence. */
  reasons: z.array(z.string()),
  /** The folder of its sidecars inside the run directory. */
  folder: z.string(),
  /** The claims that it brings. */
  claims: z.array(z.string()),
  /** Named figures in the unit of their suffix; null means not measured. */
  values: z.record(z.string(), measured),
  /** The time that it took itself; null for a step that was not done. */
  cost: z.strictObject({ attach_s: measured, detach_s: measured, ingest_s: measured }),
});

/** What was asked of a framework, and what it said is in force. */
const appliedSchema = z.strictObject({ asked: scalar, applied: scalar.nullable() });

/** What the hosts did while the run lasted; null means not measured. */
const hostUsageSchema = z.strictObject({
  /** The time that all its CPUs together were busy, whoever used them. */
  cpu_busy_s: measured,
  /** The share of its CPU time that was busy, 0 to 1. */
  cpu_busy_share: measured,
  /** The most memory in use at any reading. */
  memory_used_max_bytes: measured,
  network_rx_bytes: measured,
  network_tx_bytes: measured,
  /** How often it was read. */
  readings: z.number(),
});

/** Who started the run, and with which command. */
const invokerSchema = z.strictObject({
  user: z.string().nullable(),
  hostname: z.string(),
  argv: z.array(z.string()),
  /** The variable by which a CI system makes itself known, such as `GITHUB_ACTIONS`; null outside of one. */
  ci: z.string().nullable(),
});

/** Where a run comes from that was not launched here. */
const importSchema = z.strictObject({
  /** The file as the user named it. */
  file: z.string(),
  sha256,
  /** What kind of file it was taken for, such as `vllm-bench`. */
  format: z.string(),
  imported_at: z.string(),
  /** What in it could not be kept, each in a sentence with its place. */
  dropped: z.array(z.string()),
});

/** One judgement of the run: its verdicts are in a file of their own. */
const verificationSchema = z.strictObject({
  verification_hash: sha256,
  verified_at: z.string(),
  status: z.enum(STATUSES),
  /** Inside the run directory. */
  file: z.string(),
});

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
  /** `git_sha`: the commit it was built from or runs in; null for a released package. */
  tool: z.strictObject({ name: z.string(), version: z.string(), git_sha: z.string().nullable().default(null) }),
  /** The commit of the repository that holds the config; null outside of one. */
  git_sha: z.string().nullable(),
  invoker: invokerSchema.nullable().default(null),
  /** Null for a run that was launched. */
  imported: importSchema.nullable().default(null),
  timestamp_start: z.string(),
  timestamp_end: z.string().nullable(),
  // System fingerprint
  hosts: z.array(hostSchema),
  framework_versions: z.record(z.string(), z.string()),
  /** What started the processes; `allocation` is the Slurm job that held the hosts. */
  executor: z
    .strictObject({ kind: z.enum(['local', 'ssh', 'slurm']), allocation: z.string().nullable() })
    .default({ kind: 'local', allocation: null }),
  /** What the roles ran in; null for the hosts themselves. The digest is null until it is known. */
  container: z
    .strictObject({ image: z.string(), digest: z.string().nullable(), runtime: z.string() })
    .nullable()
    .default(null),
  /** The digest of `container` once more, under its name in every export. */
  framework_image_digest: z.string().nullable().default(null),
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
  /** What `workload_hash` is made of, for a later cell to see where it differs; null in a run of an older version. */
  workload_inputs: z.record(z.string(), z.unknown()).nullable().default(null),
  /** Whether a missed threshold fails the run, or is only recorded. */
  enforce: z.boolean().default(true),
  // Phase timing and status
  /** Seconds spent waiting for the hosts before the run began; null when it never did. */
  waited_s: measured.default(null),
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
      /** Whether its servers were left running for the next cell. */
      kept: z.boolean().default(false),
      /** Hosts of which nobody could say that nothing is left there, each with the reason. */
      unconfirmed: z.array(z.string()).default([]),
      error: z.string().nullable(),
    })
    .nullable(),
  /** Log lines that the pattern catalogue warns of, and that failed nothing. */
  warnings: z
    .array(
      z.strictObject({
        pattern_id: z.string(),
        /** `dmesg.<host>`, or `<role>.<host>`. */
        source: z.string(),
        line: z.string(),
        /** How often it came; `line` is the first. */
        count: z.number(),
        hint: z.string(),
      }),
    )
    .default([]),
  // Verdicts and result
  verdicts: z.array(verdictSchema),
  /** Every judgement of the run, oldest first; `verdicts` are those of the last one. */
  verifications: z.array(verificationSchema).default([]),
  /** When rows and figures were read again from the logs and attachments, and by which version; oldest first. */
  reparses: z.array(z.strictObject({ reparsed_at: z.string(), tool_version: z.string() })).default([]),
  result: z.strictObject({
    scalars: z.record(z.string(), measured),
    applied: z.record(z.string(), appliedSchema),
    /** The measured window: rates divide by it; warm-up and teardown lie outside. */
    measured: z.strictObject({ started_at_ms: measured, duration_ms: measured }),
  }),
  // Resource summary: per `<role>.<host>`
  resources: z.record(z.string(), z.strictObject({ cpu_s: measured, peak_rss_bytes: measured })),
  /** Per host, over the time from launch to the end of the load. */
  host_resources: z.record(z.string(), hostUsageSchema).default({}),
  // Instruments: per id
  instruments: z.record(z.string(), instrumentSchema).default({}),
  /** Rows that were captured while the workload ran: reading the logs again leaves them as they are. */
  captured_rows: z.strictObject({ samples: z.number(), trajectory: z.number() }).nullable().default(null),
  // Sidecars: per path inside the run directory
  samples_path: z.string().nullable().default(null),
  trajectory_path: z.string().nullable().default(null),
  events_path: z.string().nullable().default(null),
  sidecars: z.record(z.string(), sidecarSchema),
});

/** One run, as manifest.json says it. */
export type Manifest = z.output<typeof manifestSchema>;

/** What is written into a manifest while its run goes on. */
type Course = Pick<
  Manifest,
  | 'phases'
  | 'waited_s'
  | 'status'
  | 'failure'
  | 'skip'
  | 'interruption'
  | 'teardown'
  | 'warnings'
  | 'verdicts'
  | 'verifications'
  | 'reparses'
  | 'result'
  | 'resources'
  | 'host_resources'
  | 'instruments'
  | 'captured_rows'
  | 'samples_path'
  | 'trajectory_path'
  | 'events_path'
  | 'sidecars'
>;

/** What a manifest says of the course of a run before anything has happened in it. */
export function nothingYet(): Course {
  return {
    phases: {},
    waited_s: null,
    status: 'running',
    failure: null,
    skip: null,
    interruption: null,
    teardown: null,
    warnings: [],
    verdicts: [],
    verifications: [],
    reparses: [],
    result: { scalars: {}, applied: {}, measured: { started_at_ms: null, duration_ms: null } },
    resources: {},
    host_resources: {},
    instruments: {},
    captured_rows: null,
    samples_path: null,
    trajectory_path: null,
    events_path: null,
    sidecars: {},
  };
}
