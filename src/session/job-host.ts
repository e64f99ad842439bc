import { appendFileSync, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { AssayError, messageOf } from '../core/errors.ts';
import { noSecrets, scrubberOf } from '../core/scrubber.ts';
import type { Scrubber } from '../core/scrubber.ts';
import { presentSecrets, readSecrets } from '../core/secret.ts';
import type { SecretValue } from '../core/secret.ts';
import { appendToCatalog } from '../evidence/store/catalog.ts';
import type { Manifest } from '../evidence/manifest.ts';
import { RUN_FILES } from '../evidence/run-folder.ts';
import { readOwnManifest, RunWriter } from '../evidence/run-writer.ts';
import type { Hosts } from '../exec/hosts.ts';
import { addLeftovers, endLabelled } from '../exec/leftovers.ts';
import { cancelSlurmArrays } from '../exec/slurm-array.ts';
import { hostsOf } from '../exec/open-hosts.ts';
import type { Adapter, Framework, RunRequest } from '../lifecycle/adapter.ts';
import { JobContext } from '../lifecycle/context.ts';
import { Interruption } from '../lifecycle/interruption.ts';
import { runJob } from '../lifecycle/job.ts';
import { KeptServers } from '../lifecycle/kept-servers.ts';
import type { JobMessage, JobOrder } from './job-messages.ts';
import { frameworks } from './registry.ts';

// The process that runs cells, one at a time. It reads a request per line of stdin; the
// end of stdin means that nobody asks for more, and while a run is live that whoever asked
// is gone, so it is torn down. What it reports goes to fd 3.

const REPORT_FD = 3;
const reports = createWriteStream('', { fd: REPORT_FD });
// The reader may be gone; the run's evidence is on disk all the same.
reports.on('error', () => undefined);

function report(message: JobMessage): void {
  reports.write(`${JSON.stringify(message)}\n`);
}

class JobHost {
  readonly #kept = new KeptServers();
  #hosts: Hosts | null = null;
  #abort = new AbortController();
  #answer: (keep: boolean) => void = () => undefined;
  /** The run that is live. */
  #live: RunRequest | null = null;

  /** Runs one cell; a run that is asked for after the end was asked for is torn down at once. */
  async serve(request: RunRequest): Promise<void> {
    this.#live = request;
    if (!(this.#abort.signal.reason instanceof Interruption)) this.#abort = new AbortController();
    const { folder, artifacts } = request;
    const { scrubber, secrets, refusal } = secretsOf(request);
    printInto(folder, scrubber);
    this.#hosts ??= hostsOf(request.on, request.runId);
    const writer = new RunWriter(folder, scrubber, frameworkOf(request).sampleColumns);
    const context = new JobContext({
      request,
      writer,
      abort: this.#abort,
      report: (progress) => report({ type: 'progress', progress }),
      hosts: this.#hosts,
      kept: this.#kept,
      maySucceed: () => this.#askToKeep(),
      secrets,
      scrubber,
    });
    if (refusal !== null) context.abort(refusal);
    const finished = await runJob(adapterOf(request), context, {
      manifest: readOwnManifest(folder),
      listener: {
        onPhase: (phase) => report({ type: 'phase', phase }),
        onWait: (reason) => report({ type: 'waiting', reason }),
      },
    });
    try {
      appendToCatalog(artifacts, folder, finished);
    } catch {
      // It only speeds up exports and can be rebuilt from the manifests; the run is
      // over and its logs are hashed, so there is no place in it to say so.
    }
    await this.#report(finished);
  }

  /** What was answered to the question whether to keep the servers of the live run. */
  answer(keep: boolean): void {
    this.#answer(keep);
  }

  #askToKeep(): Promise<boolean> {
    if (this.#abort.signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.#answer = resolve;
      this.#abort.signal.addEventListener('abort', () => resolve(false), { once: true });
      report({ type: 'ending' });
    });
  }

  /** Whether a run is live. */
  get isBusy(): boolean {
    return this.#live !== null;
  }

  /** Ends the run that is live, with this as its cause; the first one wins. */
  abort(reason: unknown): void {
    this.#abort.abort(reason);
  }

  /** Ends what was kept for cells that never came, and gives the hosts back. Rejects when that is not confirmed. */
  async close(): Promise<void> {
    const labels = this.#kept.startedBy();
    const hosts = this.#hosts;
    this.#hosts = null;
    if (hosts === null) return;
    try {
      await this.#kept.endAll();
      const left = labels.flatMap((label) => hosts.executors().map((executor) => endLabelled(executor, label)));
      const { unconfirmed } = addLeftovers(await Promise.all(left));
      if (unconfirmed.length > 0) {
        throw new AssayError('TEARDOWN_FAILED', `servers that were kept may be left: ${unconfirmed.join('; ')}`);
      }
    } finally {
      await hosts.close();
    }
  }

  /** Tears down for a session that died; the Slurm tasks that it asked for and no run took go too. */
  async abandon(): Promise<void> {
    const { session, task } = this.#live?.on ?? { session: '', task: null };
    this.abort(new Interruption('the session that asked for this run is gone'));
    if (task !== null) await cancelSlurmArrays(session);
  }

  // Whoever waits for the hosts is told of the end of the run: they must be free by then.
  async #report({ status, teardown }: Manifest): Promise<void> {
    const isKept = teardown?.kept ?? false;
    // What could not be torn down may be there though nobody found it: it is looked for once more.
    let isClean = teardown?.unconfirmed.length === 0 && teardown.error === null;
    if (!isKept) {
      await this.close().catch((thrown: unknown) => {
        isClean = false;
        tellOutside(thrown);
      });
    }
    this.#live = null;
    report({ type: 'finished', end: { status, isKept, isClean } });
  }
}

function frameworkOf({ cell }: RunRequest): Framework {
  const framework = frameworks.find(({ spec }) => spec.name === cell.workload.framework);
  if (framework === undefined) throw new Error(`no framework ${cell.workload.framework}`);
  return framework;
}

function adapterOf(request: RunRequest): Adapter {
  const { create, spec } = frameworkOf(request);
  if (create === null) throw new Error(`no adapter for ${spec.name}`);
  return create();
}

interface RunSecrets {
  readonly secrets: Readonly<Record<string, SecretValue>>;
  readonly scrubber: Scrubber;
  /** Why the run cannot have its secrets; null when it has them. */
  readonly refusal: unknown;
}

function secretsOf({ cell }: RunRequest): RunSecrets {
  try {
    const secrets = readSecrets(cell.workload.secrets, process.env);
    return { secrets, scrubber: scrubberOf(Object.values(secrets)), refusal: null };
  } catch (refusal) {
    const scrubber = scrubberOf(Object.values(presentSecrets(cell.workload.secrets, process.env)));
    return { secrets: {}, scrubber, refusal };
  }
}

const rawStderr = process.stderr.write.bind(process.stderr);
let lastScrubber = noSecrets;

/** For what belongs to no run any more: the session adds it to the run when nothing else ends it. */
function tellOutside(thrown: unknown): void {
  rawStderr(scrubbedMessage(`${thrown instanceof Error ? thrown.stack : messageOf(thrown)}\n`, lastScrubber));
}

/** From now on what this process prints belongs to this run. It prints whole messages, so no secret comes in two. */
function printInto(folder: string, scrubber: Scrubber): void {
  lastScrubber = scrubber;
  for (const [stream, file] of [
    [process.stdout, RUN_FILES.stdout],
    [process.stderr, RUN_FILES.stderr],
  ] as const) {
    // An empty log says that nothing was printed; a missing one would say that it is lost.
    appendFileSync(join(folder, file), '');
    stream.write = (chunk: string | Uint8Array): boolean => {
      const message = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
      appendFileSync(join(folder, file), scrubbedMessage(message, scrubber));
      return true;
    };
  }
}

/** What a message quotes may end in the middle of a secret: at its own end, so the end of the line comes after. */
function scrubbedMessage(message: string, scrubber: Scrubber): string {
  const words = message.trimEnd();
  return scrubber.scrub(words) + message.slice(words.length);
}

function main(): void {
  const host = new JobHost();
  const end = (reason: string): void => host.abort(new Interruption(reason));
  const leave = (): void => void reports.end(() => process.exit());
  // What a callback throws ends the run with that as its cause; the first one wins.
  const fail = (thrown: unknown): void => host.abort(thrown instanceof Error ? thrown : new Error(messageOf(thrown)));
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  let isStopped = false;
  let work = Promise.resolve();
  const add = (step: () => Promise<void>): void => {
    work = work.then(step).catch(async (thrown: unknown) => {
      tellOutside(thrown);
      process.exitCode = 1;
      // A run whose end could not be recorded is never reported: whoever waits for it sees this process go.
      await host.close().catch(tellOutside);
      leave();
    });
  };
  const lines = createInterface({ input: process.stdin });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    // With no run to tear down it takes no more of them.
    process.on(signal, () => (host.isBusy ? end(`received ${signal}`) : lines.close()));
  }
  lines.on('line', (line) => {
    const order = JSON.parse(line) as JobOrder;
    if (order.type === 'keep') host.answer(order.keep);
    else if (order.type === 'stop') {
      isStopped = true;
      end(order.reason);
    } else add(() => host.serve(order.request));
  });
  lines.once('close', () => {
    const abandoned = isStopped ? Promise.resolve() : host.abandon();
    add(() => abandoned);
    add(() => host.close());
    // Work that an aborted run left behind may hold the process; nothing it does matters any more.
    add(async () => leave());
  });
}

main();
