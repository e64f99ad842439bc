import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, resolve } from 'node:path';
import { isDynamicPattern } from 'tinyglobby';
import type { Cell } from '../config/cell.ts';
import { show } from '../config/issues/show.ts';
import type { Unplaced } from '../config/issues/issues.ts';

/** Where the paths of a config start, and which params are paths. */
interface Whereabouts {
  /** Absolute. */
  readonly folder: string;
  readonly pathParams: readonly string[];
}

/** Something that a config needs and that is not there. */
export interface Lack extends Unplaced {
  /** The same for every config that lacks the same thing: the absolute path of a file, say. */
  readonly what: string;
}

interface NamedPath {
  readonly at: Unplaced['path'];
  readonly path: string;
  /** Whether the path may be that of files without their extensions. */
  readonly isStem?: boolean;
}

/**
 * The paths of a config that are not there, for a cell that runs on this machine. Only what is certain: what a mount
 * brings into a container, or an image may hold, is not looked for.
 */
export function missingPaths(cell: Cell, { folder, pathParams }: Whereabouts): readonly Lack[] {
  const named = [...modelAndDataset(cell), ...params(cell, pathParams)];
  const { mounts = [] } = cell.workload.container ?? {};
  const targets = mounts.map((mount) => mount.split(':')[1] ?? '');
  const outside = named.filter(({ path }) => !targets.some((target) => isWithin(resolve(folder, path), target)));
  return [...outside, ...sources(mounts)].flatMap(({ at, path, isStem = false }) => {
    const what = resolve(folder, path);
    if (isThere(what) || (isStem && hasExtension(what))) return [];
    const start = isAbsolute(path) ? '' : '; it starts at the folder of this file';
    const hint = `correct the path${start}, or put there what it names before the run`;
    return [{ what, path: at, message: `there is no ${show(path)} on this machine`, hint }];
  });
}

function modelAndDataset({ workload: { model, dataset }, params }: Cell): readonly NamedPath[] {
  // With `dataset_name: hf` and its like the path may be a repository of the hub.
  const isOfHub = Object.values(params).includes('hf');
  const ofDataset = isOfHub || isPattern(dataset?.path) ? undefined : dataset?.path;
  return [
    ...(model.path === undefined ? [] : [{ at: ['model', 'path'], path: model.path }]),
    // A dataset of Megatron is two files, named without their extensions.
    ...(ofDataset === undefined ? [] : [{ at: ['dataset', 'path'], path: ofDataset, isStem: true }]),
  ];
}

function isPattern(path = ''): boolean {
  return path.includes('://') || isDynamicPattern(path);
}

function params({ workload }: Cell, names: readonly string[]): readonly NamedPath[] {
  return names.flatMap((name) => {
    const path = workload.params[name];
    if (typeof path !== 'string') return [];
    // An absolute one may be in the image.
    const isOfHost = /^\.\.?\//.test(path) || (isAbsolute(path) && workload.container === undefined);
    return isOfHost ? [{ at: ['params', name], path }] : [];
  });
}

function sources(mounts: readonly string[]): readonly NamedPath[] {
  return mounts.flatMap((mount, index) => {
    const path = mount.split(':')[0] ?? '';
    return isAbsolute(path) ? [{ at: ['container', 'mounts', index], path }] : [];
  });
}

function isWithin(path: string, folder: string): boolean {
  const inside = resolve('/', folder);
  return path === inside || path.startsWith(inside === '/' ? '/' : `${inside}/`);
}

// What cannot be looked at may be there.
function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}

function hasExtension(path: string): boolean {
  try {
    return readdirSync(dirname(path)).some((name) => name.startsWith(`${basename(path)}.`));
  } catch {
    return false;
  }
}
