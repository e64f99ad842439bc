import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { loadConfigs } from '../../../../src/config/load.ts';
import type { LoadedConfigs } from '../../../../src/config/load.ts';
import { inputsOf } from '../../../../src/session/migrate/inputs.ts';
import { migrateFile, renderFiles } from '../../../../src/session/migrate/migrate.ts';
import type { MigratedFile } from '../../../../src/session/migrate/migrate.ts';
import type { Known } from '../../../../src/session/migrate/migration.ts';
import { frameworks } from '../../../../src/session/registry.ts';

const specs = frameworks.map(({ spec }) => spec);

/** What becomes of the legacy files that are named. */
export function migrate(
  named: readonly string[],
  known: Known = { userId: 'jane', gpusPerNode: 8 },
): readonly MigratedFile[] {
  const modelIds = new Map<string, string>();
  const options = { specs, known, modelIds, modeline: () => '# modeline' };
  return renderFiles(inputsOf(named).map((input) => migrateFile(input, options)));
}

/** What stands for a placeholder, by the end of its place in the YAML. */
const VALUES: readonly (readonly [place: RegExp, value: (text: string) => string])[] = [
  [/target_gpu$/, (text) => (text.includes('mi35x') ? 'mi350x' : 'mi300x')],
  [/precision$/, () => 'TE_BF16'],
  [/\.count$/, () => '2'],
  [/\.gpus_per_node$/, () => '8'],
  // Two nodes of eight GPUs.
  [/params\.(?:dp|fsdp)$/, (text) => String(16 / product(text))],
  [/(?:train_iters|steps)$/, () => '10'],
  [/global_batch_size$/, () => '64'],
  [/local_batch_size$/, () => '2'],
  [/min_rate$/, () => '1234'],
  [/mounts\[\d+\]$/, () => '/a:/b'],
  [/container\.image$/, () => 'acme/image:1'],
  [/./, () => 'filled'],
];

function product(text: string): number {
  return [...text.matchAll(/(?:tp|pp) (\d+)/g)].reduce((all, [, degree]) => all * Number(degree), 1);
}

/** Fills in every placeholder, and loads all configs in one session. */
export function loadFilled(files: readonly MigratedFile[]): LoadedConfigs {
  const root = mkdtempSync(join(tmpdir(), 'assay-migrated-'));
  const configs = files.flatMap((file) => file.configs);
  const places = files.flatMap(({ notes }) =>
    notes.flatMap(({ kind, output }) => (kind === 'fill_in' ? [output ?? ''] : [])),
  );
  for (const { file, text } of configs.flatMap((config) => [
    config,
    ...(config.thresholds === null ? [] : [config.thresholds]),
  ])) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(
      join(root, file),
      fill(
        text,
        places.filter((place) => place.startsWith(`${file}:`)),
      ),
    );
  }
  return loadConfigs(
    configs.map(({ file }) => file),
    { root, env: {}, overrides: [], specs },
  );
}

function fill(text: string, places: readonly string[]): string {
  const lines = text.split('\n');
  for (const place of places) {
    const index = Number(/:(\d+) /.exec(place)?.[1]) - 1;
    const value = VALUES.find(([pattern]) => pattern.test(place))?.[1];
    lines[index] = (lines[index] ?? '').replace(/"[^"]*<changeme[^"]*"/, (open) => value?.(open) ?? open);
  }
  return lines.join('\n');
}
