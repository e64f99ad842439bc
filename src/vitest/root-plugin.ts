import { AssayError, withoutStack } from '../core/errors.ts';
import { PLUGIN_NAME } from '../session/plan-api.ts';

/**
 * Checks that a plugin in a config with projects is heard at all: Vitest 4 gives a root's plugins to those projects
 * alone that extend it, so that nothing would be claimed, and nothing said of it.
 *
 * @param projects as the config has them; what a glob or a function stands for is not known here, and passes
 * @throws AssayError USAGE where no project has the plugin
 */
export function checkProjects(projects: readonly unknown[] | undefined, vitestVersion: string): void {
  if (projects === undefined || projects.length === 0 || Number.parseInt(vitestVersion, 10) >= 5) return;
  if (projects.some((project) => !isInline(project) || mayHavePlugin(project))) return;
  const error = new AssayError(
    'USAGE',
    'assay() stands beside `projects` of which none has it: nothing would be claimed',
    {
      hint: "give the claims a project of their own: { plugins: [assay()], test: { name: 'claims' } }",
    },
  );
  throw withoutStack(error);
}

interface InlineProject {
  readonly extends?: unknown;
  readonly plugins?: unknown;
}

function isInline(project: unknown): project is InlineProject {
  return typeof project === 'object' && project !== null && !('then' in project);
}

function mayHavePlugin({ extends: base = false, plugins = [] }: InlineProject): boolean {
  return base !== false || hasPlugin(plugins);
}

/** Plugins may be nested, promised or left out by a condition. */
function hasPlugin(plugins: unknown): boolean {
  if (Array.isArray(plugins)) return plugins.some(hasPlugin);
  if (typeof plugins !== 'object' || plugins === null) return false;
  return 'then' in plugins || ('name' in plugins && plugins.name === PLUGIN_NAME);
}
