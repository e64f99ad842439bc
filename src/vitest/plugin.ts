import type { Plugin } from 'vitest/config';
import type { TestProject, Vitest } from 'vitest/node';
import { inReadingOrder } from '../config/tags.ts';
import type { Tag } from '../config/tags.ts';
import { withoutStack } from '../core/errors.ts';
import { reuseIn, withEnvironment } from '../session/environment.ts';
import { PLUGIN_NAME } from '../session/plan-api.ts';
import type { PlanApi, PlannedSession } from '../session/plan-api.ts';
import { tagsOfCell } from '../session/planned-claim.ts';
import type { PlannedClaim } from '../session/planned-claim.ts';
import { parseReuse } from '../session/stored/reuse.ts';
import type { ReuseMode } from '../session/stored/reuse.ts';
import { hostOf } from './host.ts';
import { narrowTestFiles } from './narrow-files.ts';
import { processStopper } from './process-stopper.ts';
import { packSelection } from './provided.ts';
import { selectClaims } from './selection.ts';
import { parseTagFilter } from './tag-filter.ts';
import { patternForVitest, readNameFilter } from './words.ts';

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
}

/** The Vitest plugin: turns benchmark configs into a matrix of claims. */
export function assay(options: AssayOptions = {}): Plugin<PlanApi> {
  const sessions: PlannedSession[] = [];
  return {
    name: PLUGIN_NAME,
    api: { sessions },
    config: ({ test }) => ({
      test: {
        // Whether anything ran is for our reporter to judge: a slice may leave a file empty.
        passWithNoTests: true,
        // A workload may take minutes to stop; Vitest would cut it off after 10 s.
        teardownTimeout: test?.teardownTimeout ?? 600_000,
        // The first claim of a cell waits for its workload; that is no slow test.
        slowTestThreshold: test?.slowTestThreshold ?? 3_600_000,
        // Ctrl-C in a terminal ends Vitest's workers as well, which is no news then.
        onUnhandledError: (error) =>
          processStopper.isStopping && isLostWorker(error) ? false : test?.onUnhandledError?.(error),
      },
    }),
    // Vitest awaits the hook; its type does not say so.
    configureVitest: (host) =>
      configure(options, host).then(
        (session) => void sessions.push(session),
        (thrown: unknown) => {
          throw withoutStack(thrown);
        },
      ) as unknown as void,
  };
}

function isLostWorker({ message }: { readonly message: string }): boolean {
  return message.startsWith('[vitest-pool]: ');
}

interface Door {
  readonly vitest: Vitest;
  readonly project: TestProject;
}

async function configure(options: AssayOptions, door: Door): Promise<PlannedSession> {
  const { vitest, project } = door;
  const given = {
    root: project.config.root,
    configs: listOf(options.configs ?? 'configs/**/*.yaml'),
    cluster: options.cluster ?? null,
    artifacts: options.artifacts ?? 'runs',
    overrides: [],
    onlyCells: [],
  };
  const session = withEnvironment(given, process.env);
  const host = await hostOf(vitest, project, {
    ...session,
    suites: listOf(options.suites ?? 'builtin'),
    reuse: reuseOf(options, vitest),
  });
  const { plan, suites, claims, reporter, socket } = host;
  declareTags(project, claims);
  const selected = select(claims, door);
  reporter.expect(selected);
  project.provide('assay', packSelection(selected, socket));
  narrowTestFiles(project, {
    suiteFiles: suites.map(({ file }) => file),
    selectedFiles: [...new Set(selected.map(({ claim }) => claim.file))],
  });
  return { options: session, plan, claims: selected };
}

function reuseOf({ reuse }: AssayOptions, { config }: Vitest): ReuseMode {
  const given = reuse === undefined ? null : parseReuse(reuse, 'assay({ reuse }): ');
  return reuseIn(process.env) ?? given ?? (config.watch ? 'prefer' : 'off');
}

/** The claims that `-t` and `--tags-filter` ask for. */
function select(claims: readonly PlannedClaim[], { vitest, project }: Door): readonly PlannedClaim[] {
  const byName = readNameFilter(namePatterns.get(vitest) ?? vitest.config.testNamePattern);
  const known = project.config.tags.map(({ name }) => name);
  const { tagsFilter = [] } = vitest.config;
  const byTags = tagsFilter.length === 0 ? null : parseTagFilter(tagsFilter, known);
  if (byName.kind === 'words') {
    // The next project must see what was typed, not what we made of it.
    if (vitest.config.testNamePattern !== undefined && !namePatterns.has(vitest)) {
      namePatterns.set(vitest, vitest.config.testNamePattern);
    }
    const pattern = patternForVitest(byName.words);
    vitest.config.testNamePattern = pattern;
    project.config.testNamePattern = pattern;
  }
  return selectClaims(claims, { byName, byTags });
}

const namePatterns = new WeakMap<Vitest, RegExp>();

function declareTags(project: TestProject, claims: readonly PlannedClaim[]): void {
  const tags = new Map<string, Tag>();
  for (const planned of new Set(claims.map((claim) => claim.planned))) {
    for (const tag of tagsOfCell(planned)) tags.set(tag.name, tag);
  }
  for (const { tags: ownTags } of new Set(claims.map(({ claim }) => claim))) {
    for (const tag of ownTags) tags.set(tag.name, tag);
  }
  for (const { name } of project.config.tags) tags.delete(name);
  for (const tag of inReadingOrder(tags.values())) project.config.tags.push(tag);
}

function listOf(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}
