import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { AssayError } from '../core/errors.ts';
import { DEFAULT_ARTIFACTS } from '../session/plan-api.ts';
import type { Options } from './arguments.ts';
import { withProgress } from './progress.ts';
import { onScreen } from './stored-runs.ts';
import type { Artifacts } from './stored-runs.ts';
import { artifactsInConfig } from './user-vitest.ts';

/** What every command says of a folder that need not be named. */
export const BY_DEFAULT = '(Default: that of the plugin, else runs)';

/** How a command takes the folder, and how that is said. */
const TAKEN = {
  folder: { how: 'behind the command', example: DEFAULT_ARTIFACTS },
  artifacts: { how: 'with --artifacts', example: `--artifacts ${DEFAULT_ARTIFACTS}` },
} as const;

/**
 * The artifact directory that a command is about: the one that is named; else that of the plugin, where a Vitest
 * config here sets one; else `runs`. Where nothing was ever stored there is none yet.
 *
 * @throws AssayError USAGE when a folder is named that is not there, for what is no folder, and for a Vitest config
 *   that sets one and does not load.
 */
export async function artifactsOf(options: Options, taken: keyof typeof TAKEN = 'folder'): Promise<Artifacts> {
  const { how, example } = TAKEN[taken];
  const named = options.one(taken);
  const { folder, advice } = named === null ? await unnamed(how) : { folder: resolve(named), advice: null };
  const found = statSync(folder, { throwIfNoEntry: false });
  const mayBeMissing = named === null || folder === resolve(DEFAULT_ARTIFACTS);
  if (found === undefined ? mayBeMissing : found.isDirectory()) return { folder, advice };
  const what = found === undefined ? `there is no folder ${onScreen(folder)}` : `${onScreen(folder)} is a file`;
  throw new AssayError('USAGE', what, { hint: `name an artifact directory, such as ${example}` });
}

async function unnamed(how: string): Promise<Artifacts> {
  const config = configSettingArtifacts();
  const set = config === null ? null : await askPlugin(config, how);
  const folder = set ?? resolve(DEFAULT_ARTIFACTS);
  const why = config === null || set === null ? 'the default' : `as assay({ artifacts }) in ${onScreen(config)} says`;
  return { folder, advice: `looked in ${onScreen(folder)}, ${why}: name another folder ${how}` };
}

const CONFIG_NAMES = ['vitest', 'vite'].flatMap((name) =>
  ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs'].map((extension) => `${name}.config.${extension}`),
);

/** The Vitest config of this folder, if it says anything of artifacts: to load it takes longer than most commands. */
function configSettingArtifacts(): string | null {
  const config = CONFIG_NAMES.map((name) => join(process.cwd(), name)).find((path) => existsSync(path));
  return config !== undefined && readFileSync(config, 'utf8').includes('artifacts') ? config : null;
}

async function askPlugin(config: string, how: string): Promise<string | null> {
  try {
    return await withProgress('reading the Vitest config', () => artifactsInConfig(config));
  } catch (cause) {
    throw new AssayError('USAGE', `${onScreen(config)} says where stored runs are, and does not load`, {
      hint: `mend it, \`npx vitest list\` says more; or name the folder ${how}`,
      cause,
    });
  }
}
