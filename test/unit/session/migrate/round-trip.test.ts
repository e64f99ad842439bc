import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Threshold } from '../../../../src/config/threshold.ts';
import type { MigratedFile } from '../../../../src/session/migrate/migrate.ts';
import { cellsOf, figuresOf } from './legacy-count.ts';
import { loadFilled, migrate } from './migrated.ts';

const FIXTURES = new URL('../../../../fixtures/legacy', import.meta.url).pathname;
const SAMPLES = new URL('../../../../../shared/samples/cvs-configs', import.meta.url).pathname;

const SUITES = new URL('../../../../suites/benchmarks/', import.meta.url);
const claims = readdirSync(SUITES)
  .map((name) => readFileSync(new URL(name, SUITES), 'utf8'))
  .join('');

const isConfig = ({ state }: MigratedFile): boolean => state === 'migrated' || state === 'not_migratable';

function boundOf(threshold: Threshold): unknown {
  return threshold.kind === 'Rate'
    ? threshold.min_rate
    : threshold.kind === 'Percentile'
      ? threshold.value
      : threshold.kind;
}

/** What each cell of ours must be judged by: the figures that its legacy cell carries. */
function carriedBounds({ cells, figures }: MigratedFile): Readonly<Record<string, readonly unknown[]>> {
  return Object.fromEntries(
    cells.flatMap(({ legacy, key }) => {
      if (key === null) return [];
      const carried = figures.filter(({ cell, outcome }) => cell === legacy && outcome === 'carried');
      const bounds = carried.map(({ value }) => (value === '<changeme>' ? 1234 : Number(value)));
      return [[key, bounds.toSorted((a, b) => a - b)]];
    }),
  );
}

function checkAll(files: readonly MigratedFile[]): void {
  const configs = files.filter(isConfig);
  for (const file of configs) {
    const accounted = file.figures.map((figure) => `${basename(figure.file)} ${figure.metric} ${String(figure.value)}`);
    expect(accounted.toSorted(), file.file).toEqual(figuresOf(file.file));
    expect(file.cells.length, file.file).toBe(cellsOf(file.file));
  }
  const { cells, problems } = loadFilled(files);
  expect(problems).toEqual([]);
  // A benchmark without a claim ends every session.
  const benchmarks = new Set(cells.flatMap(({ workload }) => workload.benchmarks));
  expect([...benchmarks].filter((name) => !claims.includes(`benchmark: '${name}'`))).toEqual([]);
  const judged = Object.fromEntries(
    cells.map(({ key, thresholds }) => {
      const bounds = thresholds.map(({ threshold }) => boundOf(threshold));
      return [key, bounds.toSorted((a, b) => Number(a) - Number(b))];
    }),
  );
  expect(judged).toEqual(Object.assign({}, ...configs.map(carriedBounds)));
}

describe('legacy configs of ours', () => {
  const files = migrate([FIXTURES]);

  it('are all recognized', () => {
    expect(files.map(({ file, state, family }) => [basename(file), state, family])).toMatchInlineSnapshot(`
      [
        [
          "cluster.json",
          "other",
          null,
        ],
        [
          "mi300x_atom_tiny_single.json",
          "not_migratable",
          "a",
        ],
        [
          "mi300x_atom_tiny_single_threshold.json",
          "thresholds",
          null,
        ],
        [
          "mi300x_inferencemax_tiny.json",
          "migrated",
          "f",
        ],
        [
          "mi300x_sglang_pd.json",
          "migrated",
          "d",
        ],
        [
          "mi300x_sglang_plain.json",
          "not_migratable",
          "d",
        ],
        [
          "mi300x_sglang_threshold.json",
          "thresholds",
          null,
        ],
        [
          "mi300x_vllm_tiny_distributed.json",
          "migrated",
          "a",
        ],
        [
          "mi300x_vllm_tiny_single.json",
          "migrated",
          "a",
        ],
        [
          "mi300x_vllm_tiny_single_threshold.json",
          "thresholds",
          null,
        ],
        [
          "mi300x_xdit_flux.json",
          "migrated",
          "d",
        ],
        [
          "mi355x_vllm_mega.json",
          "migrated",
          "f",
        ],
        [
          "mi300x_jax_presets.json",
          "migrated",
          "e",
        ],
        [
          "mi300x_jaxmaxtext_tiny.json",
          "migrated",
          "c",
        ],
        [
          "mi300x_jaxmaxtext_tiny_threshold.json",
          "thresholds",
          null,
        ],
        [
          "mi300x_titan_presets.json",
          "migrated",
          "e",
        ],
        [
          "mi325x_megatron_tiny_single_config.json",
          "migrated",
          "b",
        ],
        [
          "mi325x_megatron_tiny_single_threshold.json",
          "thresholds",
          null,
        ],
        [
          "mi355_titan_tiny_distributed_config.json",
          "migrated",
          "b",
        ],
        [
          "mi355_titan_tiny_distributed_threshold.json",
          "thresholds",
          null,
        ],
        [
          "mi3xx_megatron_presets.json",
          "migrated",
          "e",
        ],
      ]
    `);
  });

  it('load with no error once they are filled in, with every cell and figure accounted for', () => checkAll(files));
});

describe.skipIf(!existsSync(SAMPLES))('published legacy configs (need ../shared/samples)', () => {
  it('load with no error once they are filled in, with every cell and figure accounted for', () => {
    const files = migrate([SAMPLES, `${SAMPLES}/legacy_mega.yaml`]);
    expect(files.filter(isConfig)).toHaveLength(16);
    checkAll(files);
  });
});
