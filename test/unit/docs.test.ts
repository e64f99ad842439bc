import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readPool } from '../../src/cluster/pool-file.ts';
import { planSession } from '../../src/session/plan.ts';
import { frameworks } from '../../src/session/registry.ts';
import { frameworksPage } from './frameworks-page.ts';
import { sessionOptions } from './session-options.ts';

const page = readFileSync(new URL('../../docs/configs.md', import.meta.url), 'utf8');
const blocks = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = '']) => text);
const root = mkdtempSync(join(tmpdir(), 'assay-docs-'));

describe('docs/configs.md', () => {
  it('shows a config that loads, with every field that a config has', () => {
    const text = blocks.find((block) => block.startsWith('schema_version')) ?? '';
    writeFileSync(join(root, 'demo.yaml'), text);
    const { cells } = planSession(sessionOptions({ root }), frameworks);
    expect(cells.map(({ cell }) => cell.cellId)).toEqual([
      'balanced-conc16',
      'balanced-conc32',
      'balanced-conc64',
      'prefill_heavy-conc16',
      'prefill_heavy-conc32',
    ]);
    const written = [...text.matchAll(/^([a-z_]+):/gm)].map(([, field]) => field);
    expect(Object.keys(cells[0]?.cell.workload ?? {}).filter((field) => !written.includes(field))).toEqual([]);
  });

  it('shows cluster files that can be read', () => {
    const pools = blocks.filter((block) => /^(\[|hosts|executor)/.test(block));
    expect(pools).toHaveLength(3);
    for (const text of pools) {
      writeFileSync(join(root, 'pool.cluster.yaml'), text);
      const { pool, problems } = readPool('pool.cluster.yaml', root);
      expect(problems).toEqual([]);
      expect(pool?.nodes).toHaveLength(3);
    }
  });
});

describe('docs/frameworks.md', () => {
  it('says what the frameworks declare: `npm run docs:write` renews it', () => {
    const file = new URL('../../docs/frameworks.md', import.meta.url);
    const page = frameworksPage(frameworks.map(({ spec }) => spec));
    if (process.env['ASSAY_UPDATE_DOCS'] !== undefined) writeFileSync(file, page);
    expect(readFileSync(file, 'utf8')).toBe(page);
  });
});
