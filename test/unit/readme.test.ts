import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planSession } from '../../src/session/plan.ts';
import { frameworks } from '../../src/session/registry.ts';
import { sessionOptions } from './session-options.ts';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const example = /```yaml\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';

function plan(text: string) {
  const root = mkdtempSync(join(tmpdir(), 'assay-readme-'));
  mkdirSync(join(root, 'configs'));
  writeFileSync(join(root, 'configs/byte.yaml'), text);
  return planSession(sessionOptions({ root, configs: ['configs/*.yaml'] }), frameworks);
}

describe('the README', () => {
  it('shows a config that loads', () => {
    expect(plan(example).cells).toHaveLength(6);
  });

  it('shows the mistakes as they are told', () => {
    const mistakes = readme.split('\n').filter((line) => line.startsWith('configs/byte.yaml:'));
    expect(mistakes).toHaveLength(2);
    const broken = [example.replace('num_prompts', 'num_promts'), example.replace('value: 1500', 'value: "1500"')];
    for (const [index, text] of broken.entries()) {
      expect(() => plan(text)).toThrow(mistakes[index]);
    }
  });
});
