import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { Writable } from 'node:stream';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import type * as VitestNode from 'vitest/node';
import { AssayError, messageOf } from '../core/errors.ts';
import { PLUGIN_NAME } from '../session/plan-api.ts';
import type { PlanApi, PlannedSession } from '../session/plan-api.ts';
import { knownErrorIn } from './known-error.ts';
import { filtersForVitest } from './session-options.ts';
import type { ClaimFilters } from './session-options.ts';

/** What the user's Vitest would do. */
export interface VitestPlan {
  readonly sessions: readonly PlannedSession[];
  /** The config file Vitest needs because its own has no plugin; null when it has. */
  readonly config: string | null;
}

const DEFAULT_CONFIG = fileURLToPath(new URL('default-config.js', import.meta.url));

/**
 * Starts the user's own Vitest with the user's own config, runs nothing, and
 * answers what the plugin has planned. Without the plugin in that config, the
 * one that comes with this package is used.
 *
 * @throws AssayError USAGE when Vitest is missing or does not start, and every known error of the plugin.
 */
export async function planInVitest(root: string, filters: ClaimFilters): Promise<VitestPlan> {
  const sessions = await sessionsOf(root, filters);
  if (sessions.length > 0) return { sessions, config: null };
  return { sessions: await sessionsOf(root, { ...filters, ...ownConfig(DEFAULT_CONFIG) }), config: DEFAULT_CONFIG };
}

/**
 * How Vitest takes a config of this package. It needs no bundling, for which Vite writes into node_modules: not everybody
 * may.
 */
export function ownConfig(config: string): { readonly config: string; readonly configLoader: 'native' } {
  return { config, configLoader: 'native' };
}

/** The script of the user's Vitest command. */
export function vitestScript(root: string): string {
  const path = resolveFrom(root, 'vitest/package.json');
  const { bin } = JSON.parse(readFileSync(path, 'utf8')) as { readonly bin: { readonly vitest: string } };
  return join(dirname(path), bin.vitest);
}

/** As much of Vite as is needed to read a config without starting anything. */
interface Vite {
  readonly loadConfigFromFile: (
    ...args: readonly [
      on: { readonly command: 'serve'; readonly mode: string },
      file: string,
      root: string,
      logLevel: 'silent',
    ]
  ) => Promise<{ readonly config: LoadedConfig } | null>;
}

interface LoadedConfig {
  readonly root?: string;
  readonly plugins?: readonly unknown[];
  readonly test?: { readonly root?: string };
}

/** The artifact directory that the plugin in a Vitest config has, absolute; null where there is no such plugin. */
export async function artifactsInConfig(file: string): Promise<string | null> {
  const root = process.cwd();
  const vite = createRequire(resolveFrom(root, 'vitest/package.json')).resolve('vite');
  const { loadConfigFromFile } = (await import(pathToFileURL(vite).href)) as Vite;
  const loaded = await loadConfigFromFile({ command: 'serve', mode: 'test' }, file, root, 'silent');
  const { config = {} } = loaded ?? {};
  const plugins = (await Promise.all([config.plugins].flat(Infinity))).flat(Infinity);
  const ours = (plugins as readonly ({ readonly name?: string; readonly api?: PlanApi } | null | undefined)[]).find(
    (plugin) => plugin?.name === PLUGIN_NAME,
  );
  if (ours?.api === undefined) return null;
  return resolve(root, config.test?.root ?? config.root ?? '', ours.api.artifacts);
}

type StartOptions = ClaimFilters & Partial<ReturnType<typeof ownConfig>>;

async function sessionsOf(root: string, options: StartOptions): Promise<readonly PlannedSession[]> {
  const vitest = await start(root, options);
  try {
    const plugins = vitest.projects.flatMap((project) => project.vite.config.plugins);
    // Projects may share one instance of the plugin.
    const ours = new Set(plugins.filter(({ name }) => name === PLUGIN_NAME));
    return [...ours].flatMap(({ api }) => (api as PlanApi).sessions);
  } finally {
    await vitest.close();
  }
}

async function start(root: string, options: StartOptions): Promise<VitestNode.Vitest> {
  const entry = resolveFrom(root, 'vitest/node');
  const { createVitest } = (await import(pathToFileURL(entry).href)) as typeof VitestNode;
  const fixed = { root, watch: false, run: true, reporters: [] };
  const silence = { stdout: nowhere(), stderr: nowhere() };
  return createVitest('test', { ...fixed, ...options, ...filtersForVitest(options) }, {}, silence).catch(
    (thrown: unknown) => {
      throw knownErrorIn(thrown) ?? startError(root, thrown);
    },
  );
}

function nowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

function startError(root: string, cause: unknown): AssayError {
  const messages = cause instanceof AggregateError ? cause.errors.map(messageOf) : [messageOf(cause)];
  return new AssayError('USAGE', `Vitest does not start in ${root}: ${stripVTControlCharacters(messages.join('\n'))}`, {
    hint: 'mend its config; `npx vitest list` says more',
    cause,
  });
}

function resolveFrom(root: string, id: string): string {
  try {
    return createRequire(join(root, 'package.json')).resolve(id);
  } catch (cause) {
    throw new AssayError('USAGE', `there is no Vitest in ${root}`, {
      hint: 'go to the folder of your project, or install it: npm install --save-dev vitest',
      cause,
    });
  }
}
