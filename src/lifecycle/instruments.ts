import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { sentenceOf } from '../core/errors.ts';
import { formatDuration } from '../core/units.ts';
import type { Manifest } from '../evidence/manifest.ts';
import { RUN_FILES } from '../evidence/run-folder.ts';
import type { JobContext } from './context.ts';
import { finiteValues } from './finite.ts';
import type { Instrument, InstrumentContext, Target } from './instrument.ts';

// However slow an instrument is, it takes no more of a run than this per step.
const STEP_LIMIT_MS = 30_000;

type Block = Manifest['instruments'][string];

/** The instruments of one run: none of them ever fails it. */
export class Instruments {
  readonly #context: JobContext;
  readonly #attachments: readonly Attachment[];

  constructor(context: JobContext) {
    this.#context = context;
    this.#attachments = context.instruments.map((instrument) => new Attachment(instrument, context));
  }

  /** Asks each what it misses. */
  async probe(): Promise<void> {
    for (const attachment of this.#attachments) await attachment.probe();
  }

  /** Attaches those that miss nothing to what was launched. */
  async attach(): Promise<void> {
    const targets = this.#context.launched.map(({ role, host, process }) => ({ role, host, pid: process.id.pid }));
    // One after the other: what each of them costs is its own.
    for (const attachment of this.#attachments) await attachment.attach(targets);
  }

  /** Detaches them, however far they came, and answers the block of each; from then on none attaches. */
  async end(): Promise<Manifest['instruments']> {
    for (const attachment of this.#attachments) attachment.close();
    const blocks: Record<string, Block> = {};
    for (const attachment of this.#attachments) blocks[attachment.id] = await attachment.end();
    return blocks;
  }
}

/** What becomes of one instrument in a run. */
class Attachment {
  readonly #instrument: Instrument;
  readonly #context: InstrumentContext;
  readonly #reasons: string[] = [];
  readonly #cost: Block['cost'] = { attach_s: null, detach_s: null, ingest_s: null };
  #mayAttach = false;
  /** Whether it attached; null when it never tried. Never rejects. */
  #attaching: Promise<boolean> | null = null;

  constructor(instrument: Instrument, context: JobContext) {
    this.#instrument = instrument;
    this.#context = {
      request: context.request,
      folder: join(context.request.folder, folderOf(instrument)),
      write: (name, text) => context.writer.file(`${folderOf(instrument)}/${name}`, text),
      executor: (host) => context.executor(host),
    };
  }

  get id(): string {
    return this.#instrument.id;
  }

  async probe(): Promise<void> {
    const missing = await this.#step('probe', () => this.#instrument.probe(this.#context));
    this.#reasons.push(...(missing ?? []));
    this.#mayAttach = missing?.length === 0;
  }

  async attach(targets: readonly Target[]): Promise<void> {
    if (!this.#mayAttach) return;
    const attached = this.#timed('attach', async () => {
      mkdirSync(this.#context.folder, { recursive: true });
      await this.#instrument.attach(this.#context, targets);
      return true;
    });
    this.#attaching = attached.then((isAttached) => isAttached ?? false);
    await this.#attaching;
  }

  /** Sees to it that it attaches to nothing any more: an abort does not wait for a launch. */
  close(): void {
    this.#mayAttach = false;
  }

  async end(): Promise<Block> {
    if (this.#attaching === null) {
      const reasons = this.#reasons.length > 0 ? this.#reasons : ['the run ended before it could attach'];
      return this.#block('unavailable', reasons, {});
    }
    const isAttached = await this.#attaching;
    await this.#timed('detach', () => this.#instrument.detach(this.#context));
    const values = isAttached ? await this.#timed('ingest', () => this.#instrument.ingest(this.#context)) : {};
    const status = this.#reasons.length === 0 ? 'ok' : 'degraded';
    return this.#block(status, this.#reasons, finiteValues(values ?? {}));
  }

  #block(status: Block['status'], reasons: readonly string[], values: Block['values']): Block {
    const { claims } = this.#instrument;
    return {
      status,
      reasons: [...reasons],
      folder: folderOf(this.#instrument),
      claims: [...claims],
      values,
      cost: { ...this.#cost },
    };
  }

  async #timed<T>(name: 'attach' | 'detach' | 'ingest', work: () => Promise<T>): Promise<T | undefined> {
    const startedMs = performance.now();
    const result = await this.#step(name, work);
    this.#cost[`${name}_s`] = Math.round(performance.now() - startedMs) / 1000;
    return result;
  }

  async #step<T>(name: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await within(STEP_LIMIT_MS, work);
    } catch (thrown) {
      this.#reasons.push(`${name}: ${sentenceOf(thrown)}`);
      return undefined;
    }
  }
}

function folderOf({ id }: Instrument): string {
  return `${RUN_FILES.instruments}/${id}`;
}

async function within<T>(limitMs: number, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    const failure = new Error(`it was not done after ${formatDuration(limitMs)}`);
    timer = setTimeout(() => reject(failure), limitMs);
  });
  try {
    return await Promise.race([work(), tooLong]);
  } finally {
    clearTimeout(timer);
  }
}
