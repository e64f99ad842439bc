import type { Reporter, TestCase, TestSpecification } from 'vitest/node';

/** How far the tests of a pass are. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly files: { readonly done: number; readonly total: number };
}

/** Counts the tests of each pass, whoever's they are. */
export class TestTally implements Reporter {
  readonly #states = { passed: 0, failed: 0, skipped: 0, pending: 0 };
  #files: ReadonlySet<string> = new Set();
  #filesDone = 0;
  readonly #onChange: () => void;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Absolute paths of the test files of this pass. */
  get files(): ReadonlySet<string> {
    return this.#files;
  }

  get counts(): Tally {
    return { ...this.#states, files: { done: this.#filesDone, total: this.#files.size } };
  }

  onTestRunStart(specifications: readonly TestSpecification[]): void {
    Object.assign(this.#states, { passed: 0, failed: 0, skipped: 0 });
    this.#files = new Set(specifications.map(({ moduleId }) => moduleId));
    this.#filesDone = 0;
  }

  onTestCaseResult(test: TestCase): void {
    this.#states[test.result().state] += 1;
    this.#onChange();
  }

  onTestModuleEnd(): void {
    this.#filesDone += 1;
    this.#onChange();
  }
}
