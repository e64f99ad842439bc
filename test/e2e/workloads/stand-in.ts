import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { NODE, REPOSITORY } from '../project.ts';

const PROGRAM = join(import.meta.dirname, 'llama-server-stand-in.mjs');

/** What a stand-in does not do before it is released: become ready, send a token, end on SIGTERM. */
export type Hold = 'ready' | 'token' | 'exit';

/** One launch of the stand-in, as it noted it itself. */
interface Launch {
  readonly pid: number;
  readonly runId: string;
  /** Its `--parallel`: in the configs of these tests that tells the cells apart. */
  readonly slots: number;
}

/** A PATH of its own with an emulated `llama-server` in it, and the launches that this noted. */
export class StandIn {
  /** A throw-away folder of its own. */
  readonly folder = mkdtempSync(join(tmpdir(), 'stand-in-'));

  readonly #launches = join(this.folder, 'launches.jsonl');
  readonly #release = join(this.folder, 'release');

  /** What a session needs in its environment to launch it. */
  readonly env: Readonly<Record<string, string>>;

  constructor(holds: readonly Hold[] = []) {
    const start = `#!/bin/sh\nexec '${NODE}' '${PROGRAM}' "$@"\n`;
    writeFileSync(join(this.folder, 'llama-server'), start, { mode: 0o755 });
    this.env = {
      PATH: `${this.folder}${delimiter}${process.env['PATH'] ?? ''}`,
      STAND_IN_LAUNCHES: this.#launches,
      STAND_IN_RELEASE: this.#release,
      STAND_IN_HOLD: holds.join(),
    };
  }

  /** Lets go on what was held. */
  release(): void {
    writeFileSync(this.#release, '');
  }

  /** Every launch so far, oldest first. */
  launches(): readonly Launch[] {
    return linesOf(this.#launches).map((line) => JSON.parse(line) as Launch);
  }

  /** The cells that were launched, by their slots, in ascending order; one that was launched twice stands twice. */
  launchedSlots(): readonly number[] {
    return this.launches()
      .map(({ slots }) => slots)
      .toSorted((a, b) => a - b);
  }
}

/** The lines of a file; none while there is no such file. */
export function linesOf(path: string): readonly string[] {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
}

/** A config with one cell per number of slots, each over within a moment. */
export function standInConfig(slots: readonly number[]): string {
  return `schema_version: "2"
test_id: counted
target_gpu: cpu
framework: llama_cpp
workload_kind: inference
topology: {roles: {server: {count: 1, selector: cpu}}}
model: {id: byte_llama, path: ${join(REPOSITORY, 'fixtures/models/byte-llama.gguf')}}
seed: 1
knobs: {backend: llama-server}
params: {max_model_length: 64, num_prompts: 4, num_warmups: 0, isl: 4, osl: 4, concurrency: 2}
sweep: {parallel_slots: [${slots.join(', ')}]}
benchmarks: [throughput]
thresholds:
  - {kind: Rate, metric: throughput, per_unit: sec, op: ">=", min_rate: 1}
timeouts: {launch: 60s}
reuse_server: false
`;
}
