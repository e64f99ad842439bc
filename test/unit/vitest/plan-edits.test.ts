import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planSession } from '../../../src/session/plan.ts';
import type { SessionPlan } from '../../../src/session/plan.ts';
import { frameworks } from '../../../src/session/registry.ts';
import { describeEdits, editsBetween } from '../../../src/vitest/plan-edits.ts';
import { DEMO_CONFIG } from '../demo-config.ts';
import { sessionOptions } from '../session-options.ts';

/** A plan of configs, by the name of their files. */
function planOf(configs: Readonly<Record<string, string>>, nodes = 'nodes: {localhost: {gpus: 0}}'): SessionPlan {
  const root = mkdtempSync(join(tmpdir(), 'edits-'));
  for (const [name, text] of Object.entries({ ...configs, 'lab.cluster.yaml': nodes })) {
    writeFileSync(join(root, name), text);
  }
  return planSession(sessionOptions({ root, cluster: 'lab.cluster.yaml' }), frameworks);
}

const OTHER = DEMO_CONFIG.replace('test_id: demo', 'test_id: other').replace(
  'attention: none}',
  'attention: none, variant: b}\nid_knobs: [variant]',
);

/** What an edit of one config beside another did. */
function edits(edit: (config: string) => string) {
  const before = planOf({ 'demo.yaml': DEMO_CONFIG, 'other.yaml': OTHER });
  const after = planOf({ 'demo.yaml': edit(DEMO_CONFIG), 'other.yaml': OTHER });
  const found = editsBetween(before, after);
  const { testIds, ...kinds } = found;
  return {
    ...Object.fromEntries(Object.entries(kinds).filter(([, keys]) => keys.length > 0)),
    in: [...testIds],
    said: describeEdits(found),
  };
}

const BOTH = ['demo/conc1', 'demo/conc2'];
const replace = (text: string, by: string) => (config: string) => config.replace(text, by);

describe('editsBetween', () => {
  it.each([
    ['nothing but a comment', (config: string) => `${config}# checked\n`, { in: [], said: '' }],
    [
      'a param',
      replace('num_prompts: 10', 'num_prompts: 20'),
      { changed: BOTH, in: ['demo'], said: '2 cells another workload now' },
    ],
    [
      'whether it can run here',
      replace('{count: 1}', '{count: 2}'),
      { skipped: BOTH, in: ['demo'], said: '2 cells cannot run any more' },
    ],
    [
      'a threshold',
      replace('value: 50', 'value: 60'),
      { rejudged: BOTH, in: ['demo'], said: '2 cells under other thresholds' },
    ],
    [
      'whether a miss fails',
      (config: string) => `${config}enforce: false\n`,
      { rejudged: BOTH, in: ['demo'], said: '2 cells under other thresholds' },
    ],
    [
      'what the tests are called',
      (config: string) => `${config}id_knobs: [quant]\n`,
      { renamed: BOTH, in: ['demo'], said: '2 cells under another name' },
    ],
    [
      'an axis and a threshold',
      (config: string) => config.replace('[1, 2]', '[2, 4]').replace('value: 50', 'value: 60'),
      {
        added: ['demo/conc4'],
        gone: ['demo/conc1'],
        rejudged: ['demo/conc2'],
        in: ['demo'],
        said: '1 cell new · 1 cell under other thresholds · 1 cell gone',
      },
    ],
    [
      'the name of the config',
      replace('test_id: demo', 'test_id: renamed'),
      {
        added: ['renamed/conc1', 'renamed/conc2'],
        gone: BOTH,
        in: ['renamed', 'demo'],
        said: '2 cells new · 2 cells gone',
      },
    ],
  ] as const)('finds %s', (_what, edit, expected) => {
    expect(edits(edit)).toEqual(expected);
  });

  it('finds what an edit of the nodes did', () => {
    const wide = { 'demo.yaml': DEMO_CONFIG.replace('count: 1', 'count: 2') };
    const [one, two, others] = ['a: {}', 'a: {}, b: {}', 'a: {}, c: {}'].map((nodes) =>
      planOf(wide, `nodes: {${nodes}}`),
    );
    const said = [
      [one, two],
      [two, one],
      [two, others],
      [two, two],
    ].map(([before, after]) => describeEdits(editsBetween(before!, after!)));
    expect(said).toEqual(['2 cells can run now', '2 cells cannot run any more', '2 cells another workload now', '']);
  });
});
