import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Project } from './project.ts';

const PASS_OVER = /(?:Waiting|Watching) for file changes/;

interface JsonReport {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

/** What one pass of watch mode showed and found. */
export interface Pass {
  readonly screen: string;
  /** `title status`, sorted; what was registered and filtered out is left out. */
  readonly tests: readonly string[];
  /** The run directories that it added. */
  readonly launched: readonly string[];
}

/** `vitest watch` of a project, pass by pass. Ends with the test. */
export class WatchSession {
  readonly #project: Project;
  readonly #vitest: ReturnType<Project['vitest']>;
  readonly #report: string;
  #seen = 0;
  #known: ReadonlySet<string>;
  #screen = '';
  #onOutput: () => void = () => undefined;

  constructor(project: Project, ...args: readonly string[]) {
    this.#project = project;
    this.#known = new Set(project.runFolders());
    this.#report = join(project.root, 'report.json');
    this.#vitest = project.vitest(
      'watch',
      '--reporter=default',
      '--reporter=json',
      `--outputFile=${this.#report}`,
      ...args,
    );
    this.#vitest.all.on('data', (piece: Buffer) => {
      this.#screen += piece.toString();
      this.#onOutput();
    });
    onTestFinished(async () => {
      this.#vitest.kill('SIGTERM');
      await this.#vitest;
    });
  }

  /** What was shown since the last pass or text that was waited for. */
  get screen(): string {
    return this.#screen.slice(this.#seen);
  }

  /** Waits for the end of the next pass. */
  async pass(): Promise<Pass> {
    const screen = await this.shows(PASS_OVER);
    const { testResults } = JSON.parse(readFileSync(this.#report, 'utf8')) as JsonReport;
    const folders = this.#project.runFolders();
    const launched = folders.filter((folder) => !this.#known.has(folder));
    this.#known = new Set(folders);
    const tests = testResults
      .flatMap(({ assertionResults }) => assertionResults)
      .filter(({ status }) => status !== 'pending' && status !== 'skipped')
      .map(({ title, status }) => `${title} ${status}`)
      .sort();
    return { screen, tests, launched };
  }

  /** Waits until something is shown, and answers what was shown since; rejects when Vitest ends first. */
  async shows(text: string | RegExp): Promise<string> {
    const isShown = (): boolean => (typeof text === 'string' ? this.screen.includes(text) : text.test(this.screen));
    const shown = new Promise<void>((resolve) => {
      this.#onOutput = () => {
        if (isShown()) resolve();
      };
      this.#onOutput();
    });
    const ended = this.#vitest.then(() => {
      throw new Error(`ended without showing ${String(text)}:\n${this.screen}`);
    });
    await Promise.race([shown, ended]);
    const { screen } = this;
    this.#seen = this.#screen.length;
    return screen;
  }
}
