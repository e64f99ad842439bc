import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { AssayError } from '../../core/errors.ts';
import { nearest } from '../../core/nearest.ts';
import type { RecordedEvent } from '../../evidence/events.ts';
import type { Manifest } from '../../evidence/manifest.ts';
import { RUN_FILES } from '../../evidence/run-folder.ts';
import { checkEvidence, readEvents, readManifest } from '../../evidence/run-reader.ts';
import type { SampleColumns, Series } from '../../evidence/tables/tables.ts';
import type { Verdict } from '../../evidence/verdict.ts';
import { asJudgedBy } from '../../evidence/verification.ts';
import { NotEvaluable } from './not-evaluable.ts';
import { TablesOfOneRun } from './tables-of-one-run.ts';

/** The run that a verdict is about, of each verdict that a claim was given. */
const runs = new WeakMap<Verdict, Run>();

/** The run that a claim was given this verdict on; undefined for a verdict that it made itself. */
export function runOf(verdict: Verdict): Run | undefined {
  return runs.get(verdict);
}

/** One finished run as a claim sees it: everything is read when it is asked for, and once. */
export class Run {
  /** The run directory, absolute. */
  readonly folder: string;
  readonly #verificationHash: string | undefined;
  readonly #tables: TablesOfOneRun;
  #manifest: Manifest | null = null;
  #events: readonly RecordedEvent[] | null = null;

  /**
   * As it was judged last; with a hash in that way, though another session may have judged it in its own meanwhile.
   * Runs that share `tables` keep the rows of one of them.
   */
  constructor(folder: string, verificationHash?: string, tables = new TablesOfOneRun()) {
    this.folder = folder;
    this.#verificationHash = verificationHash;
    this.#tables = tables;
  }

  /** Its id, which is the name of its directory. */
  get id(): string {
    return basename(this.folder);
  }

  /** @throws AssayError EVIDENCE_MISSING or EVIDENCE_DAMAGED when it cannot be read. */
  get manifest(): Manifest {
    this.#manifest ??= this.#readManifest();
    return this.#manifest;
  }

  #readManifest(): Manifest {
    const manifest = readManifest(this.folder);
    const hash = this.#verificationHash;
    const judged = hash === undefined ? manifest : asJudgedBy(this.folder, manifest, hash);
    for (const verdict of judged.verdicts) runs.set(verdict, this);
    return judged;
  }

  /** The verdict on a benchmark. Throws why there is none. */
  verdict(benchmark: string): Verdict {
    this.requirePhase('parse');
    const verdict = this.manifest.verdicts.find((candidate) => candidate.benchmark === benchmark);
    if (verdict !== undefined) return verdict;
    if (this.manifest.status === 'recorded') {
      throw new NotEvaluable(`no threshold judges ${benchmark}, and the config only records`);
    }
    throw new AssayError(
      'CLAIMS_INVALID',
      `no threshold judges ${benchmark} in ${this.manifest.test_id}/${this.manifest.cell_id}`,
      {
        hint: 'add one to the config, or remove the claim',
      },
    );
  }

  /** A measured figure. Throws when the run has none of that name; skips the claim when it was not measured. */
  scalar(name: string): number {
    this.requirePhase('parse');
    const value = this.manifest.result.scalars[name];
    if (value !== undefined) return this.evaluable(value, name);
    const names = Object.keys(this.manifest.result.scalars);
    const meant = nearest(name, names);
    const measured = names.length === 0 ? 'the framework gave none at all' : `measured: ${names.join(', ')}`;
    throw new AssayError('EVIDENCE_MISSING', `${this.folder} has no figure ${name}`, {
      hint: meant === null ? measured : `did you mean ${meant}?`,
    });
  }

  /** What was asked of the framework and what it said is in force. Skips the claim when it did not say. */
  applied(name: string): { readonly asked: string | number | boolean; readonly applied: string | number | boolean } {
    this.requirePhase('parse');
    const entry = this.manifest.result.applied[name];
    if (entry !== undefined) return { ...entry, applied: this.evaluable(entry.applied, `the ${name} in force`) };
    throw new AssayError('EVIDENCE_MISSING', `${this.folder} does not say whether ${name} was applied`, {
      hint: `it says so of: ${Object.keys(this.manifest.result.applied).join(', ')}`,
    });
  }

  /** A value that may not have been measured: skips the claim then, with what was missing. */
  evaluable<Value>(value: Value | null, what: string): Value {
    if (value === null) throw new NotEvaluable(`not evaluable: ${what} was not measured`);
    return value;
  }

  /** Throws the run's own failure unless it got through this phase. */
  requirePhase(phase: keyof Manifest['phases']): void {
    if (cameThrough(this.manifest, phase)) return;
    const { status, failure, interruption } = this.manifest;
    const lines = failure?.evidence.map((line) => `   | ${line}`) ?? [];
    const cause = failure?.message ?? interruption;
    throw new AssayError(
      'EVIDENCE_MISSING',
      [`the run is ${status}${cause === null ? '' : `: ${cause}`}`, ...lines].join('\n'),
      {
        hint: `look into ${join(this.folder, RUN_FILES.logs)}`,
      },
    );
  }

  /** What happened, oldest first. */
  events(): readonly RecordedEvent[] {
    this.#events ??= readEvents(this.folder);
    return this.#events;
  }

  /** The log of a role on a host. Throws which logs there are when this is none of them. */
  log(role: string, host: string): string {
    const folder = join(this.folder, RUN_FILES.logs);
    const name = `${role}.${host}.log`;
    try {
      return readFileSync(join(folder, name), 'utf8');
    } catch (cause) {
      const logs = readdirSync(this.folder).includes(RUN_FILES.logs) ? readdirSync(folder).sort() : [];
      throw new AssayError('EVIDENCE_MISSING', `${this.folder} has no log ${name}`, {
        hint: logs.length === 0 ? 'nothing was logged' : `logged: ${logs.join(', ')}`,
        cause,
      });
    }
  }

  /** samples.parquet as columns. */
  samples(): Promise<SampleColumns> {
    this.requirePhase('parse');
    const path = join(this.folder, RUN_FILES.samples);
    return this.#tables.read(this.folder, path, async (file) => {
      // Few claims look at rows, and every suite file has a process of its own to load what reads them.
      const { readSamples } = await import('../../evidence/tables/read-columns.ts');
      return readSamples(file);
    });
  }

  /** trajectory.parquet as one series per metric, role, host and rank. */
  trajectory(): Promise<readonly Series[]> {
    this.requirePhase('parse');
    const path = join(this.folder, RUN_FILES.trajectory);
    return this.#tables.read(this.folder, path, async (file) => {
      const { readTrajectory } = await import('../../evidence/tables/read-columns.ts');
      return readTrajectory(file);
    });
  }

  /** Re-checks the hash of every file the manifest lists; throws naming the first that is missing or changed. */
  checkEvidence(): Promise<void> {
    return checkEvidence(this.folder, this.manifest, { hashes: 'all' });
  }
}

function cameThrough({ status, phases, reparses }: Manifest, phase: keyof Manifest['phases']): boolean {
  // Found by a later catalogue: what it looks for ends a run before parse.
  if (status === 'failed_pattern' && (phase === 'parse' || phase === 'verify')) return false;
  // Or a later parser has read it.
  return phases[phase]?.status === 'ok' || (phase === 'parse' && reparses.length > 0);
}
