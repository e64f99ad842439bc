import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { formatProblem } from '../../../src/config/yaml/problem.ts';
import { findConfigs } from '../../../src/session/config-files.ts';
import type { ConfigPatterns } from '../../../src/session/config-files.ts';
import { planSession } from '../../../src/session/plan.ts';
import { frameworks } from '../../../src/session/registry.ts';
import { DEMO_CONFIG } from '../demo-config.ts';
import { sessionOptions } from '../session-options.ts';

const FILES = [
  'configs/byte.yaml',
  'configs/llama_cpu.yaml',
  'configs/llama_cpu.thresholds.yaml',
  'configs/[1].yaml',
  'more/byte.yaml',
  'lab.cluster.yaml',
  'runs/x/resolved.yaml',
];

let root = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'assay-configs-'));
  for (const file of FILES) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), DEMO_CONFIG);
  }
  vi.stubEnv('ASSAY_CONFIGS', '');
});
afterEach(() => void vi.unstubAllEnvs());

function find(configs: readonly string[], given: Partial<ConfigPatterns> = {}) {
  const { files, problems, warnings } = findConfigs({ root, artifacts: 'runs', configs, ...given });
  return { files, problems: problems.map(formatProblem), warnings: warnings.map(formatProblem) };
}

const found = (...files: string[]) => ({ files, problems: [], warnings: [] });
const refusal = (message: string, hint: string) => expect.objectContaining({ code: 'USAGE', message, hint });

describe('findConfigs', () => {
  it.each([
    ['paths and globs', ['more/byte.yaml', 'configs/b*.yaml'], ['configs/byte.yaml', 'more/byte.yaml']],
    ['a path twice', ['./configs/byte.yaml', 'configs/byte.yaml'], ['configs/byte.yaml']],
    ['an escaped path', [String.raw`configs/\[1\].yaml`], ['configs/[1].yaml']],
    ['a path that is taken away', ['**/byte.yaml', 'more/byte.yaml', '!more/**'], ['configs/byte.yaml']],
    ['what takes nothing away', ['more/byte.yaml', '!nowhere.yaml', '!no/*.yaml'], ['more/byte.yaml']],
    ['no text at all', ['more/byte.yaml', ''], ['more/byte.yaml']],
  ])('finds without a word %s', (_, configs, files) => {
    expect(find(configs)).toEqual(found(...files));
  });

  it('finds an absolute path, and a file behind a link', () => {
    symlinkSync('byte.yaml', join(root, 'configs/link.yaml'));
    expect(find([join(root, 'more/byte.yaml'), 'configs/li*.yaml'])).toEqual(
      found('configs/link.yaml', 'more/byte.yaml'),
    );
  });

  it.each([
    ['configs/lama_cpu.yaml', 'did you mean configs/llama_cpu.yaml?'],
    ['moore/byte.yaml', 'did you mean more/byte.yaml?'],
    ['configs/entirely_else.yaml', 'correct the path, or leave it out'],
  ])('refuses the path %s, also beside others', (path, hint) => {
    const message = `assay({ configs }) names ${path}, which is not there`;
    expect(() => find([path])).toThrow(refusal(message, hint));
    expect(() => find(['configs/b*.yaml', path])).toThrow(refusal(message, hint));
  });

  it('refuses folders and links that lead nowhere, all at once', () => {
    symlinkSync('gone.yaml', join(root, 'configs/old.yaml'));
    expect(() => find(['configs/byte.yaml', 'configs/old.yaml', 'configs/'])).toThrow(
      refusal(
        'assay({ configs }) names configs/old.yaml, a link to gone.yaml, which is not there, and configs/, which is a folder',
        'mend the link; write configs/**/*.yaml',
      ),
    );
  });

  it('finds links that lead nowhere with a glob, and says where they should lead', () => {
    symlinkSync('gone.yaml', join(root, 'more/old.yaml'));
    symlinkSync('gone', join(root, 'more/no-config'));
    expect(find(['more/*.yaml'])).toEqual({
      files: ['more/byte.yaml', 'more/old.yaml'],
      problems: ['more/old.yaml:1:1 is a link to gone.yaml, which is not there - mend the link, or remove it'],
      warnings: [],
    });
    expect(() => planSession(sessionOptions({ root, configs: ['more/*.yaml'] }), frameworks)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(
          /^more\/old\.yaml:1:1 .*\n1 problem in 1 of 2 files\. Nothing was launched\.$/,
        ) as unknown,
      }),
    );
  });

  it('warns of what adds nothing to the others', () => {
    const { files, warnings } = find(['more/byte.yaml', 'nothing/*.yaml', 'lab.cluster.yaml', 'runs/x/resolved.yaml']);
    const isLeftOut = 'is left out: cluster files, and what lies in node_modules or runs, are no configs';
    const mend = 'correct it in assay({ configs }), or take it away there';
    expect(files).toEqual(['more/byte.yaml']);
    expect(warnings).toEqual([
      `nothing/*.yaml matches no file - ${mend}`,
      `lab.cluster.yaml ${isLeftOut} - ${mend}`,
      `runs/x/resolved.yaml ${isLeftOut} - ${mend}`,
    ]);
    const { warnings: ofPlan } = planSession(
      sessionOptions({ root, configs: ['more/byte.yaml', 'nothing/*.yaml'] }),
      frameworks,
    );
    expect(ofPlan.map(formatProblem)).toEqual(warnings.slice(0, 1));
  });

  it.each([
    { env: '', given: {}, toSet: '`configs` in assay({ configs })', source: 'assay({ configs })' },
    { env: 'x', given: {}, toSet: '--configs (or ASSAY_CONFIGS)', source: '--configs (or ASSAY_CONFIGS)' },
    { env: 'x', given: { configsFrom: '--config' }, toSet: '--config', source: '--config' },
  ])('says that $source names the configs', ({ env, given, toSet, source }) => {
    vi.stubEnv('ASSAY_CONFIGS', env);
    const none = ['no/*.yaml', '*.thresholds.yaml', '!a.yaml'];
    expect(() => find(none, given)).toThrow(
      refusal(`no config matches ${none.join(', ')} in ${root}`, `set ${toSet} to the place of your YAML files`),
    );
    expect(() => find(['a/b/c.yaml'], given)).toThrow(
      expect.objectContaining({ message: `${source} names a/b/c.yaml, which is not there` }),
    );
    expect(find(['more/*.yaml', 'no/*.yaml'], given).warnings).toEqual([
      `no/*.yaml matches no file - correct it in ${source}, or take it away there`,
    ]);
  });
});
