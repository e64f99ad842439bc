import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { AssayError } from '../../core/errors.ts';
import type { Input } from './migrate.ts';
import { shownPath } from './shown-path.ts';

/**
 * The legacy files among what a user names: files as they are, and every JSON file below a folder. Their configs keep
 * the folders that they are in below the one that was named.
 *
 * @throws AssayError USAGE for what is not there, and for two files whose configs would have one name
 */
export function inputsOf(named: readonly string[]): readonly Input[] {
  const inputs = named.flatMap((name) => {
    const absolute = resolve(name);
    if (!existsSync(absolute)) {
      throw new AssayError('USAGE', `there is no ${name}`, { hint: 'name a legacy config, or a folder of them' });
    }
    if (!statSync(absolute).isDirectory()) return [inputOf(absolute, basename(name))];
    return jsonFilesIn(absolute).map((path) => inputOf(join(absolute, path), path));
  });
  const distinct = [...new Map(inputs.map((input) => [input.absolute, input])).values()];
  const byStem = new Map<string, Input>();
  for (const input of distinct) {
    const rival = byStem.get(input.stem);
    byStem.set(input.stem, input);
    if (rival === undefined) continue;
    throw new AssayError('USAGE', `${rival.file} and ${input.file} would both become ${input.stem}.yaml`, {
      hint: 'name the folder above both, or migrate them one by one with -o',
    });
  }
  return distinct;
}

function inputOf(absolute: string, below: string): Input {
  return { file: shownPath(absolute), absolute, stem: below.replace(/\.(?:json|ya?ml)$/, '') };
}

function jsonFilesIn(folder: string): readonly string[] {
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return entries
    .filter((path) => path.endsWith('.json') && !/(?:^|[/\\])(?:node_modules|\.git)[/\\]/.test(path))
    .toSorted();
}
