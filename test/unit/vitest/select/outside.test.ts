import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { planSession } from '../../../../src/session/plan.ts';
import { frameworks } from '../../../../src/session/registry.ts';
import { outsideOf } from '../../../../src/vitest/select/outside.ts';
import { DEMO_CONFIG } from '../../demo-config.ts';
import { sessionOptions } from '../../session-options.ts';

const named = (testId: string): string => DEMO_CONFIG.replace('test_id: demo', `test_id: ${testId}`);

function outside(files: Readonly<Record<string, string>>) {
  const root = mkdtempSync(join(tmpdir(), 'assay-outside-'));
  for (const [path, text] of Object.entries({ 'configs/demo.yaml': DEMO_CONFIG, ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const options = sessionOptions({ root, configs: ['configs/*.yaml'] });
  return outsideOf(options, planSession(options, frameworks));
}

afterEach(() => vi.unstubAllEnvs());

describe('outsideOf', () => {
  it('names the config that has a word, the globs in force and how to widen them', () => {
    const say = outside({
      'more/new.yaml': named('new'),
      'more/broken.yaml': named('newer').replace('framework:', 'frame:'),
      'runs/new/conc1/config.resolved.yaml': named('newest'),
      'node_modules/some/new.yaml': named('new'),
      'chart.yaml': 'test_id: new\n',
    });
    const widen = 'widen assay({ configs }), or set ASSAY_CONFIGS=more/new.yaml (assay: --configs more/new.yaml)';
    expect(say('config_new')).toBe(`more/new.yaml has it, but configs are configs/*.yaml: ${widen}`);
    expect(['framework_llama_cpp', 'config_demo', 'config_newer', 'config_newest'].map(say)).toEqual([
      expect.stringContaining('more/new.yaml'),
      null,
      null,
      null,
    ]);
  });

  it('says that the globs were typed where they were, and does not list every file', () => {
    vi.stubEnv('ASSAY_CONFIGS', 'configs/*.yaml');
    const all = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [`${name}.yaml`, named(`new_${name}`)]));
    expect(outside(all)('new')).toBe(
      'a.yaml, b.yaml, c.yaml, 2 more have it, but configs are configs/*.yaml, as ASSAY_CONFIGS or --configs says: ' +
        'add a.yaml there, or leave that out',
    );
  });
});
