import type { ZodError } from 'zod';
import type { Workload } from '../config/schema/schema.ts';
import { SecretValue } from '../core/secret.ts';
import { STATUS_OF_FAILURE } from '../evidence/failure.ts';
import type { Failure, FailureCategory, Phase, Status } from '../evidence/failure.ts';
import { manifestSchema } from '../evidence/manifest.ts';
import type { Manifest } from '../evidence/manifest.ts';
import { RUN_FILES } from '../evidence/run-folder.ts';
import { fingerprintSidecars } from '../evidence/run-writer.ts';
import type { RunWriter } from '../evidence/run-writer.ts';
import { withVerification } from '../evidence/verification.ts';
import type { Verification } from '../evidence/verification.ts';
import type { Command, HostFingerprint } from '../exec/executor.ts';
import type { LaunchedRole, RunRequest, WorkloadResult } from './adapter.ts';
import type { Warning } from './context.ts';
import { recordedResult } from './figures.ts';
import type { HostSnapshot } from './snapshots/snapshot-host.ts';

/** What an error means that nobody classified where it was raised, by the phase it was raised in. */
export const UNCLASSIFIED: Readonly<Record<Phase, FailureCategory>> = {
  prepare: 'setup_failure',
  launch: 'setup_failure',
  await: 'safety_violation',
  parse: 'parse_failure',
  verify: 'verification_failure',
  teardown: 'setup_failure',
};

/** Fills in the manifest of a run while its job goes through the phases. */
export class JobRecord {
  readonly manifest: Manifest;
  /** Rows per sidecar, once they are written. */
  rows: Readonly<Record<string, number>> = {};
  #current: { readonly phase: Phase; readonly startedAt: Date; readonly startedMs: number } | null = null;
  #last: Phase = 'prepare';

  readonly #request: Pick<RunRequest, 'cell' | 'on'>;

  constructor(manifest: Manifest, request: Pick<RunRequest, 'cell' | 'on'>) {
    this.manifest = structuredClone(manifest);
    this.#request = request;
  }

  /** The phase that runs, or ran last. */
  get lastPhase(): Phase {
    return this.#last;
  }

  startPhase(phase: Phase): void {
    this.#current = { phase, startedAt: new Date(), startedMs: performance.now() };
    this.#last = phase;
  }

  /** Ends the phase and answers its duration in seconds. */
  endPhase(status: 'ok' | 'failed'): number {
    if (this.#current === null) throw new Error('no phase is running');
    const { phase, startedAt, startedMs } = this.#current;
    const durationS = Math.round(performance.now() - startedMs) / 1000;
    this.manifest.phases[phase] = { started_at: startedAt.toISOString(), duration_s: durationS, status };
    return durationS;
  }

  setResult(result: WorkloadResult): void {
    Object.assign(this.manifest, recordedResult(result));
  }

  /** Notes how many rows came while the workload ran: whatever comes now was read from what it left. */
  setCapturedRows(rows: NonNullable<Manifest['captured_rows']>): void {
    this.manifest.captured_rows = { ...rows };
  }

  /** Notes the first judgement of the run; its status follows from how the job ends. */
  setVerification(verification: Verification): void {
    this.manifest.verdicts = [...verification.verdicts];
    this.manifest.verifications = withVerification([], verification);
  }

  /** The hosts are ours: the run's time begins. */
  begin({ waitedS, allocation }: { readonly waitedS: number; readonly allocation: string | null }): void {
    this.manifest.timestamp_start = new Date().toISOString();
    this.manifest.waited_s = waitedS;
    this.manifest.executor.allocation = allocation;
  }

  /** Notes what the hosts are, and what GPUs they have. */
  setHosts(fingerprints: ReadonlyMap<string, HostFingerprint>, states: ReadonlyMap<string, HostSnapshot>): void {
    const roles = Object.entries(this.manifest.bindings);
    const rolesOf = (host: string): string[] => roles.filter(([, hosts]) => hosts.includes(host)).map(([role]) => role);
    const { reach, nodes } = this.#request.on;
    const addressOf = (host: string): string | null =>
      reach.executor === 'local' ? null : (nodes.find(({ name }) => name === host)?.address.host ?? null);
    this.manifest.hosts = [...fingerprints].map(([host, fingerprint]) => ({
      hostname: host,
      ip: addressOf(host),
      role: rolesOf(host).join('+'),
      roles: rolesOf(host),
      fingerprint: { ...fingerprint, ...gpuFacts(states.get(host)) },
    }));
  }

  setImage(digest: string | null): void {
    if (this.manifest.container !== null) this.manifest.container.digest = digest;
    this.manifest.framework_image_digest = digest;
  }

  setWarnings(warnings: readonly Warning[]): void {
    this.manifest.warnings = warnings.map(({ pattern: { id, hint }, source, line, count }) => ({
      pattern_id: id,
      source,
      line,
      count,
      hint,
    }));
  }

  setInstruments(instruments: Manifest['instruments']): void {
    this.manifest.instruments = instruments;
  }

  /** Notes what the hosts did between the launch and the end of the load. */
  setHostResources(usages: Manifest['host_resources']): void {
    this.manifest.host_resources = usages;
  }

  setTeardown(teardown: Manifest['teardown']): void {
    this.manifest.teardown = teardown;
  }

  /** Notes what was launched; call it as soon as somebody may read it, and again for what was launched since. */
  setLaunches(launched: readonly LaunchedRole[]): void {
    this.manifest.launches = launched.map(({ role, host, command, process: { id }, reusedFrom }) => ({
      role,
      host,
      pid: id.pid,
      container: id.kind === 'container' ? id.id : null,
      argv: [command.file, ...command.args],
      env: environmentOf(command, this.#request.cell.workload),
      reused_from: reusedFrom,
    }));
  }

  /** Notes what was launched and what it has used in this run; call it before the processes are gone. */
  async setUsage(launched: readonly LaunchedRole[]): Promise<void> {
    this.setLaunches(launched);
    const usages = launched.map(async ({ role, host, process, usageBefore }) => {
      const { cpuSeconds, peakRssBytes } = await process.usage();
      const cpu_s = cpuSeconds === null || usageBefore.cpuSeconds === null ? null : cpuSeconds - usageBefore.cpuSeconds;
      this.manifest.resources[`${role}.${host}`] = { cpu_s, peak_rss_bytes: peakRssBytes };
    });
    await Promise.all(usages);
  }

  succeed(enforce: boolean): void {
    this.manifest.status = enforce ? 'passed' : 'recorded';
  }

  fail(status: Status, failure: Failure): void {
    this.manifest.status = status;
    this.manifest.failure = failure;
  }

  interrupt(reason: string): void {
    this.manifest.status = 'interrupted';
    this.manifest.interruption = reason;
  }

  /**
   * Hashes every file of the run directory and writes the manifest for good. Where
   * the figures make no valid manifest they are left out, and the run has failed.
   */
  async finish(folder: string, writer: RunWriter): Promise<Manifest> {
    this.manifest.timestamp_end = new Date().toISOString();
    this.manifest.sidecars = await fingerprintSidecars(folder, this.rows);
    Object.assign(this.manifest, tablePaths(this.manifest.sidecars));
    const { error } = manifestSchema.safeParse(this.manifest);
    if (error !== undefined) this.#withdraw(error);
    return writer.manifest(this.manifest);
  }

  /** Takes back what an adapter said of its workload, and says what is wrong about it. */
  #withdraw({ issues }: ZodError): void {
    const { manifest } = this;
    const message = issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
    manifest.framework_versions = {};
    manifest.result = { scalars: {}, applied: {}, measured: { started_at_ms: null, duration_ms: null } };
    manifest.verdicts = [];
    manifest.verifications = [];
    if (manifest.status === 'passed' || manifest.status === 'recorded') {
      const phase = issues.every(({ path }) => path[0] === 'verdicts') ? 'verify' : 'parse';
      const category = UNCLASSIFIED[phase];
      this.fail(STATUS_OF_FAILURE[category], { category, originated_in_phase: phase, message, evidence: [] });
    } else {
      // The first cause stays.
      const { orphans = null, error = null, kept = false, unconfirmed = [] } = manifest.teardown ?? {};
      manifest.teardown = { orphans, kept, unconfirmed, error: error === null ? message : `${error}; ${message}` };
    }
  }
}

/** Where the tables and the events of a run are, as its sidecars say it; null for one that it does not have. */
function tablePaths(
  sidecars: Manifest['sidecars'],
): Pick<Manifest, 'samples_path' | 'trajectory_path' | 'events_path'> {
  const present = (path: string): string | null => (path in sidecars ? path : null);
  return {
    samples_path: present(RUN_FILES.samples),
    trajectory_path: present(RUN_FILES.trajectory),
    events_path: present(RUN_FILES.events),
  };
}

/** What a role was given on top of its host's environment: that of its container, its own, and of secrets which ones. */
function environmentOf(
  { env = {} }: Command,
  { container, secrets }: Pick<Workload, 'container' | 'secrets'>,
): Record<string, string> {
  const hidden = Object.entries(secrets).map(([label, { env_var: name }]) => [
    name,
    String(new SecretValue(label, '')),
  ]);
  return { ...container?.env, ...env, ...Object.fromEntries(hidden) };
}

/** The GPUs of a host, as facts of its fingerprint; null where none was found, or nobody could tell. */
function gpuFacts(snapshot: HostSnapshot | undefined): Manifest['hosts'][number]['fingerprint'] {
  const { state, devices } = snapshot?.gpu ?? { state: 'unreadable', devices: [] };
  const { name = null, family = null, driver = null } = devices[0] ?? {};
  const count = state === 'unreadable' ? null : devices.length;
  return { gpu_count: count, gpu_name: name, gpu_family: family, gpu_driver: driver };
}
