import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { globSync } from 'tinyglobby';
import type { Plugin } from 'vitest/config';
import type { TestProject, Vitest } from 'vitest/node';
import { withoutStack } from '../core/errors.ts';
import { planSession } from '../session/plan.ts';
import { frameworks } from '../session/registry.ts';
import { Session } from '../session/run.ts';
import { Broker } from './broker.ts';
import { PLANNING } from './claim.ts';
import type { Claims } from './claim.ts';
import { narrowTestFiles } from './narrow-files.ts';
import { packSelection } from './provided.ts';
import { AssayReporter } from './reporter.ts';
import { planClaims, selectClaims } from './selection.ts';
import type { PlannedClaim } from './selection.ts';
import { describeSuite } from './suite.ts';
import type { Suite } from './suite.ts';
import { parseTagFilter } from './tag-filter.ts';
import { patternForVitest, readNameFilter } from './words.ts';

/** What `assay()` takes; every path is relative to Vitest's root. */
export interface AssayOptions {
  /** Globs of workload configs. Default: `configs/**\/*.yaml`. */
  readonly configs?: string | readonly string[];
  /** The artifact directory. Default: `runs`. */
  readonly artifacts?: string;
  /**
   * Folders of suites, with one folder per tier inside; `builtin` stands for the
   * suites that come with the package. Default: `builtin`.
   */
  readonly suites?: string | readonly string[];
}

const BUILTIN_SUITES = fileURLToPath(new URL('../../suites', import.meta.url));

/** The Vitest plugin: turns benchmark configs into a matrix of claims. */
export function assay(options: AssayOptions = {}): Plugin {
  return {
    name: 'vitest-assay',
    config: ({ test }) => ({
      test: {
        // Whether anything ran is for our reporter to judge: a slice may leave a file empty.
        passWithNoTests: true,
        // A workload may take minutes to stop; Vitest would cut it off after 10 s.
        teardownTimeout: test?.teardownTimeout ?? 600_000,
        // The first claim of a cell waits for its workload; that is no slow test.
        slowTestThreshold: test?.slowTestThreshold ?? 3_600_000,
      },
    }),
    // Vitest awaits the hook; its type does not say so.
    configureVitest: (host) =>
      configure(options, host).catch((thrown: unknown) => {
        throw withoutStack(thrown);
      }) as unknown as void,
  };
}

interface Host {
  readonly vitest: Vitest;
  readonly project: TestProject;
}

async function configure(options: AssayOptions, host: Host): Promise<void> {
  const { vitest, project } = host;
  const plan = planSession(
    {
      root: project.config.root,
      configs: listOf(options.configs ?? 'configs/**/*.yaml'),
      artifacts: options.artifacts ?? 'runs',
    },
    frameworks,
  );
  const suites = await loadSuites(project, listOf(options.suites ?? 'builtin'));
  const claims = planClaims(suites, plan.cells);
  declareTags(project, claims);
  const selected = select(claims, host);
  const reporter = new AssayReporter({ vitest, plan, selected });
  const session = new Session(plan, (event) => reporter.onSessionEvent(event));
  const broker = new Broker((cell) => session.request(cell));
  project.provide('assay', packSelection(selected, broker.socket));
  narrowTestFiles(project, {
    suiteFiles: suites.map(({ file }) => file),
    selectedFiles: [...new Set(selected.map(({ file }) => file))],
  });
  vitest.config.reporters.push(reporter as never);
  vitest.onClose(async () => {
    await session.stop();
    broker.close();
  });
}

/** The claims that `-t` and `--tags-filter` ask for. */
function select(claims: readonly PlannedClaim[], { vitest, project }: Host): readonly PlannedClaim[] {
  const byName = readNameFilter(vitest.config.testNamePattern);
  const known = project.config.tags.map(({ name }) => name);
  const byTags = parseTagFilter(vitest.config.tagsFilter ?? [], known);
  if (byName.kind === 'words') {
    const pattern = patternForVitest(byName.words);
    vitest.config.testNamePattern = pattern;
    project.config.testNamePattern = pattern;
  }
  return selectClaims(claims, { byName, byTags });
}

function declareTags(project: TestProject, claims: readonly PlannedClaim[]): void {
  const tags = new Map(claims.flatMap((claim) => claim.tags).map((tag) => [tag.name, tag]));
  for (const { name } of project.config.tags) tags.delete(name);
  project.config.tags.push(...tags.values());
}

async function loadSuites(project: TestProject, folders: readonly string[]): Promise<readonly Suite[]> {
  const planning = globalThis as { [PLANNING]?: true };
  planning[PLANNING] = true;
  const suites: Suite[] = [];
  for (const name of folders) {
    const folder = name === 'builtin' ? BUILTIN_SUITES : join(project.config.root, name);
    const files = globSync('**/*.test.{ts,mts,js,mjs}', { cwd: folder, absolute: true }).sort();
    for (const file of files) {
      const module = await project.import<{ readonly default?: Claims }>(file);
      suites.push(describeSuite(folder, file, module.default ?? {}));
    }
  }
  return suites;
}

function listOf(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}
