import fc from 'fast-check';
import { PHASES, STATUSES } from '../../../src/evidence/failure.ts';
import { MANIFEST_VERSION } from '../../../src/evidence/manifest.ts';
import type { Manifest } from '../../../src/evidence/manifest.ts';

type Fields<Block> = { readonly [Name in keyof Block]: fc.Arbitrary<Block[Name]> };

const text = fc.string({ unit: 'binary', maxLength: 12 });
const texts = fc.array(text, { maxLength: 3 });
const note = fc.option(text);
// JSON knows no -0.
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const measured = fc.option(number);
const scalar = fc.oneof(text, number, fc.boolean());
const sha256 = fc.stringMatching(/^sha256:[0-9a-f]{64}$/);
const count = fc.nat();
const status = fc.constantFrom(...STATUSES);

// An object of plain data cannot hold the one without being another object.
function named<Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Record<string, Value>> {
  const name = text.filter((key) => key !== '__proto__');
  return fc.dictionary(name, value, { maxKeys: 3, noNullPrototype: true });
}

const anything = named(
  fc
    .jsonValue({ maxDepth: 2 })
    .map((value) => JSON.parse(JSON.stringify(value).replaceAll('"__proto__"', '"p"')) as unknown),
);

function block<Value extends object>(fields: Fields<Value>): fc.Arbitrary<Value> {
  return fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<Value>;
}

const identity: Fields<
  Pick<
    Manifest,
    | 'schema_version'
    | 'run_id'
    | 'test_id'
    | 'cell_id'
    | 'config_hash'
    | 'workload_hash'
    | 'verification_hash'
    | 'experiment_id'
    | 'tool'
    | 'git_sha'
    | 'invoker'
    | 'imported'
    | 'timestamp_start'
    | 'timestamp_end'
  >
> = {
  schema_version: fc.constant(MANIFEST_VERSION),
  run_id: text,
  test_id: text,
  cell_id: text,
  config_hash: sha256,
  workload_hash: sha256,
  verification_hash: sha256,
  experiment_id: text,
  tool: block({ name: text, version: text, git_sha: note }),
  git_sha: note,
  invoker: fc.option(block({ user: note, hostname: text, argv: texts, ci: note })),
  imported: fc.option(block({ file: text, sha256, format: text, imported_at: text, dropped: texts })),
  timestamp_start: text,
  timestamp_end: note,
};

const system: Fields<
  Pick<Manifest, 'hosts' | 'framework_versions' | 'executor' | 'container' | 'framework_image_digest'>
> = {
  hosts: fc.array(
    block({ hostname: text, ip: note, role: text, roles: texts, fingerprint: named(fc.option(scalar)) }),
    { maxLength: 2 },
  ),
  framework_versions: named(text),
  executor: block({ kind: fc.constantFrom('local', 'ssh', 'slurm'), allocation: note }),
  container: fc.option(block({ image: text, digest: note, runtime: text })),
  framework_image_digest: note,
};

const configuration: Fields<
  Pick<
    Manifest,
    | 'framework'
    | 'workload_kind'
    | 'target_gpu'
    | 'config_file'
    | 'model_descriptor'
    | 'knobs'
    | 'params'
    | 'axes'
    | 'bindings'
    | 'tags'
    | 'launches'
    | 'workload_inputs'
    | 'enforce'
  >
> = {
  framework: text,
  workload_kind: fc.constantFrom('inference', 'training'),
  target_gpu: text,
  config_file: text,
  model_descriptor: anything,
  knobs: named(scalar),
  params: anything,
  axes: named(scalar),
  bindings: named(texts),
  tags: texts,
  launches: fc.array(
    block({ role: text, host: text, pid: count, container: note, argv: texts, env: named(text), reused_from: note }),
    { maxLength: 2 },
  ),
  workload_inputs: fc.option(anything),
  enforce: fc.boolean(),
};

const verdict = block<Manifest['verdicts'][number]>({
  kind: text,
  metric: text,
  benchmark: text,
  op: fc.constantFrom('<=', '>=', 'within'),
  expected: number,
  actual: measured,
  passed: fc.boolean(),
  margin: measured,
  n: fc.option(count),
  outcome: fc.constantFrom('passed', 'failed', 'insufficient', 'no_data'),
  detail: text,
  evidence: block({ file: fc.constantFrom('samples.parquet', 'trajectory.parquet', 'manifest.json') }),
});

const outcome: Fields<
  Pick<
    Manifest,
    | 'waited_s'
    | 'phases'
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
  >
> = {
  waited_s: measured,
  phases: fc.dictionary(
    fc.constantFrom(...PHASES),
    block({ started_at: text, duration_s: number.map(Math.abs), status: fc.constantFrom('ok', 'failed') }),
    { noNullPrototype: true },
  ),
  status,
  failure: fc.option(
    block({
      category: fc.constantFrom('setup_failure', 'parse_failure'),
      originated_in_phase: fc.constantFrom(...PHASES),
      message: text,
      evidence: texts,
    }),
  ),
  skip: fc.option(block({ reason: text, detail: text })),
  interruption: note,
  teardown: fc.option(block({ orphans: fc.option(count), kept: fc.boolean(), unconfirmed: texts, error: note })),
  warnings: fc.array(block({ pattern_id: text, source: text, line: text, count, hint: text }), { maxLength: 2 }),
  verdicts: fc.array(verdict, { maxLength: 2 }),
  verifications: fc.array(block({ verification_hash: sha256, verified_at: text, status, file: text }), {
    maxLength: 2,
  }),
  reparses: fc.array(block({ reparsed_at: text, tool_version: text }), { maxLength: 2 }),
  result: block({
    scalars: named(measured),
    applied: named(block({ asked: scalar, applied: fc.option(scalar) })),
    measured: block({ started_at_ms: measured, duration_ms: measured }),
  }),
};

const files: Fields<
  Pick<
    Manifest,
    | 'resources'
    | 'host_resources'
    | 'instruments'
    | 'captured_rows'
    | 'samples_path'
    | 'trajectory_path'
    | 'events_path'
    | 'sidecars'
  >
> = {
  resources: named(block({ cpu_s: measured, peak_rss_bytes: measured })),
  host_resources: named(
    block({
      cpu_busy_s: measured,
      cpu_busy_share: measured,
      memory_used_max_bytes: measured,
      network_rx_bytes: measured,
      network_tx_bytes: measured,
      readings: count,
    }),
  ),
  instruments: named(
    block({
      status: fc.constantFrom('ok', 'degraded', 'unavailable'),
      reasons: texts,
      folder: text,
      claims: texts,
      values: named(measured),
      cost: block({ attach_s: measured, detach_s: measured, ingest_s: measured }),
    }),
  ),
  captured_rows: fc.option(block({ samples: count, trajectory: count })),
  samples_path: note,
  trajectory_path: note,
  events_path: note,
  sidecars: named(block({ sha256, bytes: count, rows: fc.option(count) })),
};

/** Any manifest of today's version; every field is there. */
export const anyManifest: fc.Arbitrary<Manifest> = block<Manifest>({
  ...identity,
  ...system,
  ...configuration,
  ...outcome,
  ...files,
});
