import { z } from 'zod';
import { parseOverride } from '../config/override.ts';
import { AssayError } from '../core/errors.ts';
import { slipsOf } from '../core/nearest.ts';
import { VARIABLES } from '../core/variables.ts';
import type { SessionOptions } from './plan.ts';
import { parseReuse } from './stored/reuse.ts';
import type { ReuseMode } from './stored/reuse.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What a command line says besides the plugin's options, as it was typed. */
export interface Typed {
  /** Globs of configs, instead of those of the plugin. */
  readonly configs: readonly string[];
  /** A cluster file, instead of that of the plugin. */
  readonly cluster: string | null;
  /** `path=value`, one each. */
  readonly set: readonly string[];
  /** Patterns of cell ids. */
  readonly onlyCells: readonly string[];
  /** Instead of what the plugin says. */
  readonly reuse: ReuseMode | null;
}

/** The environment variables that carry a command line into Vitest, whose own it cannot share; lists are JSON. */
export function toEnvironment({ configs, cluster, set, onlyCells, reuse }: Typed): Readonly<Record<string, string>> {
  return {
    ...(configs.length === 0 ? {} : { [VARIABLES.configs]: JSON.stringify(configs) }),
    ...(cluster === null ? {} : { [VARIABLES.cluster]: cluster }),
    ...(set.length === 0 ? {} : { [VARIABLES.set]: JSON.stringify(set) }),
    ...(onlyCells.length === 0 ? {} : { [VARIABLES.onlyCells]: JSON.stringify(onlyCells) }),
    ...(reuse === null ? {} : { [VARIABLES.reuse]: reuse }),
  };
}

/**
 * The options of the plugin with what the environment says instead. A list is a JSON array of texts,
 * or plain text from people, an entry a line.
 *
 * @throws AssayError USAGE for an override that is none, and for a variable that is one letter away from one of these:
 *   what it was to say would go unheard.
 */
export function withEnvironment(options: SessionOptions, env: Environment): SessionOptions {
  refuseSlips(env);
  const configs = listOf(env[VARIABLES.configs]);
  const cluster = env[VARIABLES.cluster] ?? '';
  return {
    ...options,
    configs: configs.length === 0 ? options.configs : configs,
    cluster: cluster === '' ? options.cluster : cluster,
    overrides: [...options.overrides, ...listOf(env[VARIABLES.set]).map(parseOverride)],
    onlyCells: [...options.onlyCells, ...listOf(env[VARIABLES.onlyCells])],
  };
}

function refuseSlips(env: Environment): void {
  const known: readonly string[] = Object.values(VARIABLES);
  for (const [name, value = ''] of Object.entries(env)) {
    if (!name.startsWith('ASSAY_') || value === '' || known.includes(name)) continue;
    const meant = slipsOf(name, known).join(' or ');
    if (meant === '') continue;
    throw new AssayError('USAGE', `the environment variable ${name} is none that Assay reads`, {
      hint: `did you mean ${meant}? Else unset it`,
    });
  }
}

/**
 * Whether the environment says that stored runs are reused; null when it does not say.
 *
 * @throws AssayError USAGE for what is no mode.
 */
export function reuseIn(env: Environment): ReuseMode | null {
  const text = env[VARIABLES.reuse] ?? '';
  return text === '' ? null : parseReuse(text, `${VARIABLES.reuse}=`);
}

function listOf(text = ''): readonly string[] {
  return readJsonList(text) ?? text.split('\n').filter((line) => line !== '');
}

/** The texts of a JSON array; null for every other text, such as the glob `[ab]*.yaml`. */
function readJsonList(text: string): readonly string[] | null {
  if (!text.startsWith('[')) return null;
  try {
    return z.array(z.string()).safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
