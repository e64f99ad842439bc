import { existsSync, lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, extname, resolve } from 'node:path';
import { globSync, isDynamicPattern } from 'tinyglobby';
import { isThresholdsFile } from '../config/thresholds-file.ts';
import type { Problem } from '../config/yaml/problem.ts';
import { AssayError } from '../core/errors.ts';
import { groupBy } from '../core/group-by.ts';
import { nearest } from '../core/nearest.ts';
import { namesConfigs } from '../core/variables.ts';

/** Where configs are looked for, and who says so. */
export interface ConfigPatterns {
  /** Absolute folder that every other path is relative to. */
  readonly root: string;
  /** Globs and paths of workload configs; `!` before one takes its files away. */
  readonly configs: readonly string[];
  /** The artifact directory: run directories hold the resolved configs of the past. */
  readonly artifacts: string;
  /** The option that names the configs; absent for the plugin's own and for what stands in its place. */
  readonly configsFrom?: string;
}

/** The configs of a session and the thresholds files among them, and what is wrong with how they are named. */
export interface ConfigFiles {
  /** Relative to the root, in order. */
  readonly files: readonly string[];
  /** Links that lead nowhere. */
  readonly problems: readonly Problem[];
  /** Patterns that add nothing to the files. */
  readonly warnings: readonly Problem[];
}

/**
 * Finds the files that all patterns together name.
 *
 * @throws AssayError USAGE for a path without a file, and when there is no config at all.
 */
export function findConfigs(options: ConfigPatterns): ConfigFiles {
  const { root, configs } = options;
  const named = configs.filter((pattern) => pattern !== '' && !/^!(?!\()/.test(pattern));
  const absent = named.filter((pattern) => isAbsentPath(pattern, root));
  if (absent.length > 0) throw describeAbsent(absent, options);
  const files = filesOf(configs, options);
  if (!files.some((file) => !isThresholdsFile(file))) throw describeNone(options);
  const idle = named.length > 1 ? named.filter((pattern) => filesOf([pattern], options).length === 0) : [];
  return {
    files,
    problems: files.filter((file) => !existsSync(resolve(root, file))).map((file) => describeLink(file, root)),
    warnings: idle.map((pattern) => describeIdle(pattern, options)),
  };
}

/** Whether a pattern is a plain path that no file has: nothing is there, a link that leads nowhere, or a folder. */
export function isAbsentPath(pattern: string, root: string): boolean {
  if (isDynamicPattern(pattern)) return false;
  return statSync(pathOf(pattern, root), { throwIfNoEntry: false })?.isDirectory() ?? true;
}

/** `a\[1\].yaml` is the path `a[1].yaml`. */
function pathOf(pattern: string, root: string): string {
  return resolve(root, pattern.replaceAll(/\\(?=[()[\]{}!*+?@|])/g, ''));
}

function filesOf(patterns: readonly string[], { root, artifacts }: ConfigPatterns): readonly string[] {
  return globSync([...patterns], {
    cwd: root,
    ignore: ['**/node_modules/**', '**/*.cluster.{yaml,yml,json}', `${artifacts}/**`],
    expandDirectories: false,
    fs: withDanglingLinks,
  }).sort();
}

/** A file system in which a link that leads nowhere is a file, so that it is found and not passed over. */
const withDanglingLinks = {
  realpathSync: ((path: string) => (existsSync(path) ? realpathSync(path) : path)) as typeof realpathSync,
  statSync: ((path: string) => statSync(path, { throwIfNoEntry: false }) ?? lstatSync(path)) as typeof statSync,
};

function sourceOf({ configsFrom }: ConfigPatterns): string {
  const isTyped = namesConfigs(process.env);
  return configsFrom ?? (isTyped ? '--configs (or ASSAY_CONFIGS)' : 'assay({ configs })');
}

function describeNone(options: ConfigPatterns): AssayError {
  const { configs, root } = options;
  const source = sourceOf(options);
  const hint = source.startsWith('assay')
    ? 'set `configs` in assay({ configs }) to the place of your YAML files'
    : `set ${source} to the place of your YAML files`;
  return new AssayError('USAGE', `no config matches ${configs.join(', ')} in ${root}`, { hint });
}

function describeAbsent(absent: readonly string[], options: ConfigPatterns): AssayError {
  const known = groupBy(filesOf(['**/*.{yaml,yml}'], options), stemOf);
  const told = absent.map((pattern) => {
    const target = linkTarget(pathOf(pattern, options.root));
    if (target !== null) return { what: `${pattern}, a link to ${target}, which is not there`, next: 'mend the link' };
    if (existsSync(pathOf(pattern, options.root))) {
      return { what: `${pattern}, which is a folder`, next: `write ${pattern.replace(/\/+$/, '')}/**/*.yaml` };
    }
    const meant = nearestFile(pattern, known);
    const next = meant === null ? 'correct the path, or leave it out' : `did you mean ${meant}?`;
    return { what: `${pattern}, which is not there`, next };
  });
  return new AssayError('USAGE', `${sourceOf(options)} names ${told.map(({ what }) => what).join(', and ')}`, {
    hint: [...new Set(told.map(({ next }) => next))].join('; '),
  });
}

function stemOf(file: string): string {
  return basename(file, extname(file));
}

/** The file whose name is nearest, and of several the one whose folder is. */
function nearestFile(pattern: string, known: ReadonlyMap<string, readonly string[]>): string | null {
  const files = known.get(nearest(stemOf(pattern), known.keys()) ?? '') ?? [];
  return nearest(pattern, files) ?? files[0] ?? null;
}

/** Where a link leads that leads nowhere; null for everything else. */
function linkTarget(path: string): string | null {
  const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  return isLink && !existsSync(path) ? readlinkSync(path) : null;
}

function describeLink(file: string, root: string): Problem {
  const message = `is a link to ${linkTarget(resolve(root, file)) ?? 'itself'}, which is not there`;
  return { file, line: 1, column: 1, path: '', message, hint: 'mend the link, or remove it' };
}

function describeIdle(pattern: string, options: ConfigPatterns): Problem {
  const message = isDynamicPattern(pattern)
    ? 'matches no file'
    : `is left out: cluster files, and what lies in node_modules or ${options.artifacts}, are no configs`;
  const hint = `correct it in ${sourceOf(options)}, or take it away there`;
  return { file: pattern, line: 0, column: 0, path: '', message, hint };
}
