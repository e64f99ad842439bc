import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { loadConfigs } from '../../config/load.ts';
import type { FrameworkSpec } from '../../config/schema/framework.ts';
import type { Problem } from '../../config/yaml/problem.ts';
import type { Rendered } from './render.ts';

/** Loads configs as a session would, and says what is wrong with them besides what is still to be filled in. */
export function checkRendered(configs: readonly Rendered[], specs: readonly FrameworkSpec[]): readonly Problem[] {
  const root = mkdtempSync(join(tmpdir(), 'assay-migrate-'));
  try {
    for (const { file, text, thresholds } of configs) {
      for (const one of [{ file, text }, ...(thresholds === null ? [] : [thresholds])]) {
        mkdirSync(dirname(join(root, one.file)), { recursive: true });
        writeFileSync(join(root, one.file), one.text);
      }
    }
    const files = configs.map(({ file }) => file);
    const { problems } = loadConfigs(files, { root, env: {}, overrides: [], specs });
    return problems.filter(({ message }) => !message.endsWith('is still to be filled in'));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
