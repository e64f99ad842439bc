import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { globSync } from 'tinyglobby';
import type { Cell } from '../config/cell.ts';
import { loadConfigs } from '../config/load.ts';
import { isThresholdsFile } from '../config/thresholds-file.ts';
import type { SessionOptions, SessionPlan } from './plan.ts';
import { frameworks } from './registry.ts';

/** What is larger, in bytes, is no config. */
const LARGEST = 1_000_000;

/** The cells of all configs below the root that a session leaves out, as far as they can be loaded. */
export function cellsOutside({ root, artifacts }: SessionOptions, { configFiles }: SessionPlan): readonly Cell[] {
  const inForce = new Set(configFiles.map((file) => resolve(root, file)));
  const files = globSync('**/*.{yaml,yml}', {
    cwd: root,
    ignore: ['**/node_modules/**', `${artifacts}/**`],
    expandDirectories: false,
  });
  const outside = files.filter((file) => !inForce.has(resolve(root, file)) && looksLikeConfig(file, root)).sort();
  const specs = frameworks.map(({ spec }) => spec);
  return loadConfigs(outside, { root, specs, overrides: [], env: process.env }).cells;
}

/** A repository may hold thousands of YAML files of other kinds. */
function looksLikeConfig(file: string, root: string): boolean {
  if (isThresholdsFile(file)) return false;
  try {
    const path = resolve(root, file);
    if (statSync(path).size > LARGEST) return false;
    const text = readFileSync(path, 'utf8');
    return /^framework\s*:/m.test(text) && /^test_id\s*:/m.test(text);
  } catch {
    return false;
  }
}
