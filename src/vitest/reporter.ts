import { relative } from 'node:path';
import type { Reporter, TestModule, Vitest } from 'vitest/node';
import { formatProblem } from '../config/problem.ts';
import { readManifest } from '../evidence/run-reader.ts';
import type { SessionPlan } from '../session/plan.ts';
import type { SessionEvent } from '../session/run.ts';
import { paint } from './paint.ts';
import { ProgressLines } from './progress.ts';
import type { PlannedClaim } from './selection.ts';
import { summaryLines } from './summary.ts';

/** Reporters that own stdout: what people read must then go to stderr. */
const MACHINE_REPORTERS = new Set(['json', 'junit', 'tap', 'tap-flat', 'github-actions', 'blob']);

interface ReporterOptions {
  readonly vitest: Vitest;
  readonly plan: SessionPlan;
  readonly selected: readonly PlannedClaim[];
}

/** Shows cells while they run, and what the session came to. */
export class AssayReporter implements Reporter {
  readonly #options: ReporterOptions;
  readonly #progress: ProgressLines;
  #folders: string[] = [];
  #startedMs = performance.now();

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#progress = new ProgressLines((line) => this.#print(line));
  }

  onSessionEvent(event: SessionEvent): void {
    if (event.type === 'ended') this.#folders.push(event.folder);
    this.#progress.onEvent(event);
  }

  onTestRunStart(): void {
    const { plan, selected } = this.#options;
    this.#folders = [];
    this.#startedMs = performance.now();
    const cells = new Set(selected.map(({ planned }) => planned.cell.key)).size;
    const counts = `${cells} of ${plan.cells.length} cells · ${selected.length} claims · artifacts ${this.#artifacts()}/`;
    this.#print(
      ` ${paint('bold', 'assay')}  ${plan.configFiles.length} ${plan.configFiles.length === 1 ? 'config' : 'configs'} · ${counts}`,
    );
    for (const warning of plan.warnings) this.#print(` ${paint('yellow', 'warning')} ${formatProblem(warning)}`);
    this.#print('');
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const claims = tests.filter((test) => test.meta().assay !== undefined);
    const lines = summaryLines({
      runs: this.#folders.map((folder) => ({
        manifest: readManifest(folder),
        folder: relative(process.cwd(), folder),
      })),
      skipped: this.#skipped(),
      claims: {
        passed: claims.filter((test) => test.result().state === 'passed').length,
        failed: claims.filter((test) => test.result().state === 'failed').length,
      },
      artifacts: this.#artifacts(),
      elapsedMs: performance.now() - this.#startedMs,
    });
    for (const line of lines) this.#print(line);
    if (tests.every((test) => test.result().state === 'skipped')) this.#nothingSelected();
  }

  /** A slice that matches nothing is a mistake in the slice, not a success. */
  #nothingSelected(): void {
    if (this.#options.selected.length > 0) return;
    this.#print(
      ` ${paint('red', 'no claim selected')} - look at the names with \`vitest list\`, at the tags with \`vitest --list-tags\``,
    );
    process.exitCode = 1;
  }

  #skipped(): readonly { readonly cell: string; readonly reason: string }[] {
    const unbound = new Map<string, string>();
    for (const { planned } of this.#options.selected) {
      if (planned.binding.state === 'unbound') unbound.set(planned.cell.key, planned.binding.detail);
    }
    return [...unbound].map(([cell, reason]) => ({ cell, reason }));
  }

  #artifacts(): string {
    return relative(process.cwd(), this.#options.plan.artifacts);
  }

  #print(line: string): void {
    const { vitest } = this.#options;
    const isMachineRead = vitest.config.reporters.some(
      (entry) => Array.isArray(entry) && MACHINE_REPORTERS.has(String(entry[0])),
    );
    if (isMachineRead) vitest.logger.error(line);
    else vitest.logger.log(line);
  }
}
