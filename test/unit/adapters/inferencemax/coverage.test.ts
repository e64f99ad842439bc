import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump, load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { inferencemaxSpec } from '../../../../src/adapters/inferencemax/params.ts';
import { loadConfigs } from '../../../../src/config/load.ts';

const SHIPPED = new URL('../../../../configs/inference/inferencemax/gpt_oss_120b_mi300x.yaml', import.meta.url);

interface Config {
  readonly benchmarks: readonly string[];
  readonly thresholds: readonly { readonly kind: string; readonly metric: string; readonly when?: object }[];
}

/** What is wrong with the shipped config once it is changed. */
function problemsOf(change: (config: Config) => object): readonly string[] {
  const root = mkdtempSync(join(tmpdir(), 'coverage-'));
  writeFileSync(join(root, 'c.yaml'), dump(change(load(readFileSync(SHIPPED, 'utf8')) as Config)));
  const { problems } = loadConfigs(['c.yaml'], { root, specs: [inferencemaxSpec], env: {}, overrides: [] });
  return problems.map(({ message }) => message);
}

describe('the shipped config, which enforces', () => {
  it('judges every benchmark of every cell', () => {
    expect(problemsOf((config) => config)).toEqual([]);
  });

  it.each(['throughput', 'ttft_ms', 'tpot_ms'])('cannot lose its thresholds on %s', (metric) => {
    const benchmark = metric === 'throughput' ? metric : metric.replace('_ms', '_p99');
    const without = problemsOf((config) => ({
      ...config,
      thresholds: config.thresholds.filter((threshold) => threshold.metric !== metric),
    }));
    expect(without).toEqual([expect.stringContaining(`${benchmark} has no threshold`)]);
  });

  it('cannot lose one where only some cells have it', () => {
    const partly = problemsOf((config) => ({
      ...config,
      thresholds: config.thresholds.filter(({ metric, when }) => metric !== 'throughput' || when !== undefined),
    }));
    expect(partly).toEqual([expect.stringContaining('throughput has no threshold')]);
  });
});
