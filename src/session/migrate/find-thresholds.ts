import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { isOpen } from './draft.ts';
import { readLegacy } from './legacy.ts';
import type { Legacy } from './legacy.ts';
import { shownPath } from './shown-path.ts';

/** The thresholds file of a legacy config: the one that it names, else the one that is named after it; null without one. */
export function findThresholds(legacy: Legacy, absolute: string): Legacy | null {
  const folder = dirname(absolute);
  const stem = basename(absolute).replace(/\.json$/, '');
  const byName = [stem, stem.replace(/_config$/, '')].map((name) => join(folder, `${name}_threshold.json`));
  const named = namesIn(legacy).flatMap((name) => [join(folder, name), resolve(name), join(folder, basename(name))]);
  const found = [...named, ...byName].find((path) => path !== absolute && existsSync(path));
  return found === undefined ? null : readLegacy(shownPath(found), found);
}

/** What a legacy config says of where its thresholds are; a placeholder says nothing. */
function namesIn(legacy: Legacy): readonly string[] {
  const models = legacy.fields(['benchmark_params']).map(([model]) => ['benchmark_params', model, 'threshold_file']);
  const written = [['threshold_json'], ...models].map((path) => legacy.at(path));
  return written.filter((name): name is string => typeof name === 'string' && name !== '' && !isOpen(name));
}
