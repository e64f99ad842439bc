import type { Plugin } from 'vitest/config';
import { version } from 'vitest/node';
import type { InlineConfig, TestProject, Vitest } from 'vitest/node';
import { withoutStack } from '../core/errors.ts';
import { reuseIn, withEnvironment } from '../session/environment.ts';
import { DEFAULT_ARTIFACTS, PLUGIN_NAME } from '../session/plan-api.ts';
import type { PlanApi, PlannedSession } from '../session/plan-api.ts';
import { parseReuse } from '../session/stored/reuse.ts';
import type { ReuseMode } from '../session/stored/reuse.ts';
import { hostOf } from './host.ts';
import type { SessionOpener } from './host.ts';
import { ownTheScreen } from './live/live-screen.ts';
import { checkProjects } from './root-plugin.ts';
import { noteLostWorker } from './stop/lost-worker.ts';
import { processStopper } from './stop/process-stopper.ts';

/** What `assay()` takes; every path is relative to Vitest's root. */
export interface AssayOptions {
  /** Globs of workload configs. Default: `configs/**\/*.yaml`. */
  readonly configs?: string | readonly string[];
  /** The cluster file: the nodes there are. Default: none, this machine alone. */
  readonly cluster?: string;
  /** The artifact directory. Default: `runs`. */
  readonly artifacts?: string;
  /**
   * Folders of suites, with one folder per tier inside; `builtin` stands for the
   * suites that come with the package. Default: `builtin`.
   */
  readonly suites?: string | readonly string[];
  /**
   * Whether a stored run of the very same workload stands for a launch, judged by today's thresholds: `off`; `prefer`;
   * or `only`, which launches nothing and skips the cells without one. ASSAY_REUSE comes before it. Default: `off` for
   * a run, `prefer` in watch mode.
   */
  readonly reuse?: ReuseMode;
  /**
   * A file, such as `assay-tags.d.ts`, that declares all tags to TypeScript: a misspelt one is an error then. It is
   * written anew when the tags change. Default: none.
   */
  readonly tagTypes?: string;
}

/** The Vitest plugin: turns benchmark configs into a matrix of claims. */
export function assay(options: AssayOptions = {}): Plugin<PlanApi> {
  return assayBy(options);
}

/**
 * The same with another way to run cells, which launches none: what is left to measure is the matrix itself.
 *
 * @public for benches, which load it from the build
 */
export function assayBy(options: AssayOptions, openSession?: SessionOpener): Plugin<PlanApi> {
  const sessions: PlannedSession[] = [];
  return {
    name: PLUGIN_NAME,
    api: { sessions, artifacts: options.artifacts ?? DEFAULT_ARTIFACTS },
    config: ({ test }) => {
      checkProjects(test?.projects, version);
      return { test: settingsBeside(test) };
    },
    // Vitest awaits the hook; its type does not say so.
    configureVitest: (host) => {
      if (isOfBench(host)) return;
      return configure({ options, openSession }, host).then(
        (session) => void sessions.push(session),
        (thrown: unknown) => {
          throw withoutStack(thrown);
        },
      ) as unknown as void;
    },
  };
}

/** What the plugin sets, beside what the user's config says. */
function settingsBeside(test: InlineConfig = {}): InlineConfig {
  return {
    // Whether anything ran is for our reporter to judge: a slice may leave a file empty.
    passWithNoTests: true,
    // A workload may take minutes to stop; Vitest would cut it off after 10 s.
    teardownTimeout: test.teardownTimeout ?? 600_000,
    // The first claim of a cell waits for its workload; that is no slow test.
    slowTestThreshold: test.slowTestThreshold ?? 3_600_000,
    // Ctrl-C in a terminal ends Vitest's workers as well, which is no news then.
    onUnhandledError: (error) =>
      noteLostWorker(error) && processStopper.isStopping ? false : test.onUnhandledError?.(error),
  };
}

interface Door {
  readonly vitest: Vitest;
  readonly project: TestProject;
}

/**
 * Whether a project is there for `vitest bench`, which measures the user's own code and judges no claim. Vitest 4 has a
 * mode of its own for it, Vitest 5 a project of its own beside each.
 */
function isOfBench({ vitest, project }: Door): boolean {
  const { benchmark } = project.config as { readonly benchmark?: { readonly enabled?: boolean } };
  return vitest.mode === 'benchmark' || benchmark?.enabled === true;
}

interface Setting {
  readonly options: AssayOptions;
  readonly openSession: SessionOpener | undefined;
}

async function configure({ options, openSession }: Setting, { vitest, project }: Door): Promise<PlannedSession> {
  const given = {
    root: project.config.root,
    configs: listOf(options.configs ?? 'configs/**/*.yaml'),
    cluster: options.cluster ?? null,
    artifacts: options.artifacts ?? DEFAULT_ARTIFACTS,
    overrides: [],
    onlyCells: [],
  };
  const session = withEnvironment(given, process.env);
  const host = await hostOf(vitest, { ...session, reuse: reuseOf(options, vitest) }, openSession);
  const { selected } = await host.join(project, {
    suites: listOf(options.suites ?? 'builtin'),
    tagTypes: options.tagTypes ?? null,
  });
  if (selected.length > 0) ownTheScreen(vitest);
  return { options: session, plan: host.plan(), claims: selected, explainEmpty: () => host.explainEmpty() };
}

function reuseOf({ reuse }: AssayOptions, { config }: Vitest): ReuseMode {
  const given = reuse === undefined ? null : parseReuse(reuse, 'assay({ reuse }): ');
  return reuseIn(process.env) ?? given ?? (config.watch ? 'prefer' : 'off');
}

function listOf(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}
