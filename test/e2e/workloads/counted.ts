import { basename, dirname, join } from 'node:path';
import { expect } from 'vitest';
import type { Manifest } from '../../../src/evidence/manifest.ts';
import { readManifest } from '../../../src/evidence/run-reader.ts';
import { findMarked } from '../../../src/exec/local.ts';
import { JOB_HOST_LABEL, RUN_LABEL } from '../../../src/exec/run-label.ts';
import { Project } from '../project.ts';
import { linesOf, StandIn, standInConfig } from './stand-in.ts';
import type { Hold } from './stand-in.ts';

/** Two suite files: what each claim judges is noted, so that judging twice shows. */
const SUITES = {
  'claims/logistics/own.test.js': `import { appendFileSync } from 'node:fs';
import { claims } from 'vitest-assay/claims';
export default claims({
  judged: { check: ({ run }) => appendFileSync(process.env.JUDGEMENTS, run.folder + '\\n') },
  finished: { check: ({ run, expect }) => void expect(run.manifest.status).toBe('passed') },
});
`,
  'claims/benchmarks/rate.test.js': `import { claims } from 'vitest-assay/claims';
export default claims({ throughput: { benchmark: 'throughput', check: ({ run }) => run.verdict('throughput') } });
`,
};

/** The names of these claims. */
const CLAIMS = ['finished', 'judged', 'throughput'];

const REPORTER = `import { appendFileSync } from 'node:fs';
export const passes = {
  onTestRunEnd(modules) {
    const tests = modules.flatMap((module) => [...module.children.allTests()]).map((test) => ({
      name: test.fullName,
      state: test.result().state,
      run: test.meta().assay?.run ?? null,
      passed: test.meta().assay?.verdict?.passed ?? null,
    }));
    appendFileSync(process.env.PASSES, JSON.stringify(tests) + '\\n');
  },
};
`;

const CONFIG = `import { assay } from 'vitest-assay';
import { passes } from './passes.js';
export default {
  plugins: [assay({ suites: 'claims' })],
  test: { include: ['tests/**'], reporters: ['default', passes] },
};
`;

/** A test of a pass, as Vitest reported it. */
export interface Reported {
  readonly name: string;
  readonly state: string;
  /** The run directory that was judged. */
  readonly run: string | null;
  /** Whether its verdict was that the run passed; null without a verdict. */
  readonly passed: boolean | null;
}

/** What a counted project is made of. */
interface CountedOptions {
  /** One cell per number of slots. */
  readonly slots?: readonly number[];
  /** In place of the config with a cell per number of slots. */
  readonly config?: string;
  /** More files, or others in place of those it has. */
  readonly files?: Readonly<Record<string, string>>;
  readonly holds?: readonly Hold[];
}

/** A project whose workload counts its launches, and whose Vitest notes what it judged in each pass. */
export class Counted {
  readonly standIn: StandIn;
  readonly project: Project;
  /** What its sessions need in their environment. */
  readonly env: Readonly<Record<string, string>>;

  constructor({ slots = [1, 2, 3], config = standInConfig(slots), files = {}, holds }: CountedOptions = {}) {
    this.standIn = new StandIn(holds);
    this.env = { ...this.standIn.env, JUDGEMENTS: this.#note('judgements'), PASSES: this.#note('passes') };
    const own = { 'vitest.config.js': CONFIG, 'passes.js': REPORTER, 'configs/counted.yaml': config, ...SUITES };
    this.project = new Project({ ...own, ...files }, this.env);
  }

  /** The tests of every pass of every session so far. */
  passes(): readonly (readonly Reported[])[] {
    return linesOf(this.#note('passes')).map((line) => JSON.parse(line) as Reported[]);
  }

  /** The run directories that the claim `judged` was called with, sorted. */
  judgements(): readonly string[] {
    return linesOf(this.#note('judgements')).toSorted();
  }

  /** Every manifest with its directory. */
  runs(): readonly { readonly folder: string; readonly manifest: Manifest }[] {
    return this.project.runFolders().map((folder) => ({ folder, manifest: readManifest(folder) }));
  }

  /** Each of these cells was launched once, as it says itself, has one run directory, and that run passed. */
  expectLaunchedOnce(slots: readonly number[]): void {
    expect(this.standIn.launchedSlots()).toEqual(slots);
    const runs = this.runs();
    expect(runs.map(({ folder }) => cellOf(folder))).toEqual(slots.map((count) => `slots${count}`));
    expect(runs.map(({ manifest }) => manifest.status)).toEqual(slots.map(() => 'passed'));
    expect(runs.map(({ manifest }) => manifest.run_id).toSorted()).toEqual(
      this.standIn
        .launches()
        .map(({ runId }) => runId)
        .toSorted(),
    );
  }

  /** A pass judged every claim of these cells, each once, on the run of its own cell, and every one held. */
  expectJudged(pass: readonly Reported[] | undefined, slots: readonly number[]): void {
    const bracket = (count: number): string => `[llama_cpp-byte_llama-cpu-slots${count}]`;
    const expected = slots.flatMap((count) => CLAIMS.map((claim) => `${claim}${bracket(count)}`));
    expect(pass?.map(({ name }) => name).toSorted()).toEqual(expected.toSorted());
    for (const { name, state, run, passed } of pass ?? []) {
      expect({ name, state, passed }).toEqual({ name, state: 'passed', passed: name.startsWith('throughput') || null });
      expect(name).toContain(`-${cellOf(run ?? '')}]`);
    }
  }

  /** No process carries the label of a run of this project, and every run came to its end. */
  async expectNothingLeft(): Promise<void> {
    const ids = new Set([
      ...this.standIn.launches(),
      ...this.runs().map(({ manifest }) => ({ runId: manifest.run_id })),
    ]);
    for (const { runId } of ids) {
      expect(await findMarked(RUN_LABEL, runId)).toEqual([]);
      expect(await findMarked(JOB_HOST_LABEL, runId)).toEqual([]);
    }
    expect(this.runs().filter(({ manifest }) => manifest.status === 'running')).toEqual([]);
  }

  #note(name: string): string {
    return join(this.standIn.folder, name);
  }
}

/** The cell of a run directory `<test_id>/<cell>/<hash>/<run>`. */
export function cellOf(folder: string): string {
  return basename(dirname(dirname(folder)));
}
