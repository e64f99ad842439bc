import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { execa } from 'execa';
import { v4 as uuid } from 'uuid';
import type { RecordedEvent } from '../../src/evidence/events.ts';
import { findRuns } from '../../src/evidence/store/find-runs.ts';
import { listLive, noteLive } from '../../src/evidence/store/live-runs.ts';
import { readEvents, readManifest } from '../../src/evidence/run-reader.ts';
import type { HostsSpec } from '../../src/exec/hosts.ts';
import { processStart } from '../../src/core/process-start.ts';
import { Project, REPOSITORY } from '../e2e/project.ts';
import { foundBefore, processes } from './kill-processes.ts';
import type { SeenProcess } from './kill-processes.ts';

const DRIVER = new URL('kill-session.mjs', import.meta.url).pathname;
const STAND_INS = new URL('stand-ins', import.meta.url).pathname;

// What carries the id of a run in its environment.
const LABELS = ['ASSAY_RUN_ID', 'ASSAY_JOB_HOST', 'ASSAY_CLIENT_OF'];

/** What a session is made of: who runs the cells, and what they run on. */
export type Setting = 'session, local' | 'vitest, local' | 'session, ssh' | 'session, docker';

/** Who is killed; `session` is the main process. */
export type Victim = 'session' | 'job host' | 'both' | 'worker' | 'server' | 'dockerd';

/** Where a setting finds its hosts. */
export interface Surroundings {
  /** A cluster file; null for this machine alone. */
  readonly cluster: string | null;
  /** The `container:` of the workload; null for none. */
  readonly container: string | null;
  readonly env: Readonly<Record<string, string>>;
}

// For one that dies as it starts or ends Vitest waits a minute, and then until its teardown timeout.
const WORKER_START_MS = 1000;

/** A session that was started; settles when it is over. */
export interface Session extends PromiseLike<{ readonly all: string; readonly exitCode?: number | undefined }> {
  readonly pid?: number | undefined;
}

/** Two cells that can use the same server, one after the other. */
function config(port: number, model: string, container: string | null): string {
  return `schema_version: "2"
test_id: kill
target_gpu: cpu
framework: llama_cpp
workload_kind: inference
topology: {roles: {server: {count: 1, selector: cpu}}}
model: {id: stand_in, path: ${model}}
seed: 1
knobs: {backend: llama-server}
params: {max_model_length: 64, num_prompts: 6, num_warmups: 1, isl: 8, osl: 4, port: ${port}}
sweep: {concurrency: [1, 2]}
benchmarks: [throughput]
thresholds:
  - {kind: Rate, metric: throughput, per_unit: sec, op: ">=", min_rate: 1}
timeouts: {launch: 60s}
${container === null ? '' : `container: ${container}\n`}`;
}

/** One session in a project of its own, which is killed. */
export class Trial {
  readonly project: Project;
  readonly folder = mkdtempSync(join(tmpdir(), 'kill-'));
  readonly #setting: Setting;
  readonly #cluster: string | null;
  readonly #env: Readonly<Record<string, string>>;
  readonly #mark = `ASSAY_KILL_TRIAL=${uuid()}`;
  readonly #runIds = new Set<string>();

  private constructor(setting: Setting, surroundings: Surroundings, port: number) {
    const { container, cluster, env } = surroundings;
    const model = join(this.folder, 'model.gguf');
    writeFileSync(model, '');
    mkdirSync(this.temporary);
    const [variable = '', mark = ''] = this.#mark.split('=');
    this.#setting = setting;
    this.#cluster = cluster;
    this.#env = {
      ...env,
      PATH: [STAND_INS, process.env['PATH']].join(delimiter),
      TMPDIR: this.temporary,
      [variable]: mark,
    };
    this.project = new Project({ 'configs/kill.yaml': config(port, model, container) }, this.#env);
  }

  /** Makes the project; nothing is started yet. */
  static async of(setting: Setting, surroundings: Surroundings): Promise<Trial> {
    return new Trial(setting, surroundings, await freePort());
  }

  /** The temporary folder of its processes. */
  get temporary(): string {
    return join(this.folder, 't');
  }

  get artifacts(): string {
    return join(this.project.root, 'runs');
  }

  get locks(): string {
    return join(this.project.root, 'locks');
  }

  /** The runs that it was ever seen to have. */
  get runIds(): ReadonlySet<string> {
    for (const id of [...this.#noted(), ...this.runFolders().map((folder) => basename(folder))]) this.#runIds.add(id);
    return this.#runIds;
  }

  /** Starts the session. */
  start(): Session {
    if (this.#setting === 'vitest, local') return this.project.vitest('run');
    return this.#node([DRIVER, ...(this.#cluster === null ? [] : [this.#cluster])]);
  }

  /** Runs `assay` in the project. */
  async assay(...args: readonly string[]): Promise<string> {
    return (await this.#node([join(REPOSITORY, 'dist/cli/main.js'), ...args])).stdout;
  }

  /** Notes the run of somebody else who lives. */
  noteOther(runId: string, pid: number): void {
    mkdirSync(this.artifacts, { recursive: true });
    noteLive(this.artifacts, {
      run_id: runId,
      labels: [runId],
      folder: join(this.artifacts, 'other'),
      on: { ...thisMachine },
      holder: { hostname: readFileSync('/proc/sys/kernel/hostname', 'utf8').trim(), pid, started: processStart(pid) },
      output: null,
      secrets: {},
    });
  }

  runFolders(): readonly string[] {
    try {
      return findRuns(join(this.artifacts, 'kill'));
    } catch {
      // None yet, or none that ever began.
      return [];
    }
  }

  /** What still runs of it, here, on its hosts and in its containers. */
  processes(): readonly SeenProcess[] {
    const labels = [...this.runIds].flatMap((id) => LABELS.map((variable) => `${variable}=${id}`));
    const marks = new Set([this.#mark, ...labels]);
    return processes().filter(({ environment }) => environment.some((variable) => marks.has(variable)));
  }

  jobHosts(): readonly SeenProcess[] {
    return this.processes().filter(({ argv }) => argv.some((word) => word.endsWith('/session/job-host.js')));
  }

  /** Waits until those who are to be killed are there, or the session is over. */
  async appearance(victim: Victim, session: Session): Promise<void> {
    const { pid = 0 } = session;
    const first = victim === 'both' ? 'job host' : victim;
    if (first !== 'dockerd') await foundBefore(session, () => this.#find(first, pid)[0] ?? null);
  }

  /** Kills them as soon as they are there; answers when that was in the life of the run, null when they never were. */
  async kill(victim: Exclude<Victim, 'dockerd'>, session: Session): Promise<string | null> {
    const { pid = 0 } = session;
    const victims = await foundBefore(session, () => {
      const found = this.#find(victim, pid);
      return found.length > 0 ? found : null;
    });
    const moment = this.moment();
    for (const id of victims ?? []) killQuietly(id);
    return victims === null ? null : moment;
  }

  /** How far the latest run has come. */
  moment(): string {
    const folders = this.runFolders();
    const latest = [...this.runIds].toSorted().at(-1);
    if (latest === undefined) return '0 before the first run';
    const folder = folders.find((path) => basename(path) === latest);
    if (folder === undefined || !existsSync(join(folder, 'manifest.json'))) return '1 noted';
    if (readManifest(folder).status !== 'running') return '9 ended';
    return momentOf(existsSync(join(folder, 'events.jsonl')) ? readEvents(folder).at(-1) : undefined);
  }

  #find(victim: Exclude<Victim, 'dockerd'>, session: number): readonly number[] {
    switch (victim) {
      case 'session':
        return [session];
      case 'job host':
        return this.jobHosts().map(({ pid }) => pid);
      case 'both':
        return [session, ...this.jobHosts().map(({ pid }) => pid)];
      case 'worker':
        if (!this.#isLive()) return [];
        return this.processes()
          .filter(({ parent, argv, ageMs }) => parent === session && isWorker(argv) && ageMs > WORKER_START_MS)
          .map(({ pid }) => pid)
          .slice(0, 1);
      case 'server':
        return this.processes().flatMap(({ pid, argv }) => (argv[1]?.endsWith('/llama-server') === true ? [pid] : []));
    }
  }

  /** Whether a run is live, for which the oldest worker waits. */
  #isLive(): boolean {
    return /^[2-8]/.test(this.moment());
  }

  #noted(): readonly string[] {
    return listLive(this.artifacts).flatMap(({ run_id: id, folder }) => (folder.endsWith('/other') ? [] : [id]));
  }

  #node(args: readonly string[]) {
    const env = { NO_COLOR: '1', ASSAY_LOCK_FOLDER: this.locks, ...this.#env };
    return execa(process.execPath, args, { cwd: this.project.root, reject: false, all: true, env });
  }
}

const thisMachine: HostsSpec = {
  reach: { executor: 'local' },
  nodes: [],
  container: null,
  isExclusive: false,
  timeLimitMs: 0,
  session: '',
  task: null,
};

const MOMENTS: Readonly<Record<string, string>> = {
  hosts: '2 waiting for hosts',
  prepare: '3 prepare',
  seed: '3 prepare',
  launch: '4 launch',
  await: '5 await',
  arrival: '5 await',
  request: '5 await',
  parse: '6 parse',
  verify: '7 verify',
  teardown: '8 teardown',
  attempt: '8 teardown',
};

function momentOf(last: RecordedEvent | undefined): string {
  const [area = ''] = last?.event.split('.') ?? [];
  return MOMENTS[area] ?? '2 waiting for hosts';
}

function isWorker(argv: readonly string[]): boolean {
  return argv.some((word) => word.includes('/vitest/dist/workers/'));
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Its end came first.
  }
}

/** The `container:` in which the stand-in server runs. */
export function containerOf(image: string): string {
  return `{image: "${image}", pull: never, mounts: ["${join(STAND_INS, 'llama-server')}:/bin/llama-server:ro"]}`;
}

/** Where the programs are that stand in for real ones. */
export const standIns = STAND_INS;

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((listening) => probe.listen(0, '127.0.0.1', listening));
  const { port } = probe.address() as AddressInfo;
  await new Promise((closed) => probe.close(closed));
  return port;
}

/** Lets what was half written at a kill look old, as it is for the session of the next day. */
export function age(folder: string): void {
  const longAgo = new Date(Date.now() - 3_600_000);
  for (const path of filesIn(folder).filter((name) => name.endsWith('.tmp')))
    utimesSync(join(folder, path), longAgo, longAgo);
}

/** The files that are left in a folder tree, relative to it. */
export function filesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted() : [];
}
