import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { readPool } from '../../src/cluster/pool-file.ts';
import { containerSchema } from '../../src/config/schema/container.ts';
import { secretsSchema } from '../../src/config/schema/secrets.ts';
import { gpuFamilyOf } from '../../src/core/gpu-family.ts';
import { STATUS_OF_FAILURE } from '../../src/evidence/failure.ts';
import { patternCatalogue } from '../../src/lifecycle/patterns.ts';
import { planSession } from '../../src/session/plan.ts';
import { frameworks } from '../../src/session/registry.ts';
import { frameworksPage } from './frameworks-page.ts';
import { sessionOptions } from './session-options.ts';

const blocks = yamlBlocks(readFileSync(new URL('../../docs/configs.md', import.meta.url), 'utf8'));
const root = mkdtempSync(join(tmpdir(), 'assay-docs-'));

function yamlBlocks(page: string): readonly string[] {
  return [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = '']) => text);
}

/** The nodes of each cluster file among these texts, which must have nothing wrong with them. */
function poolSizes(texts: readonly string[]): readonly (number | undefined)[] {
  const pools = texts.filter((text) => /^(\[|hosts|executor)/.test(text));
  return pools.map((text) => {
    writeFileSync(join(root, 'pool.cluster.yaml'), text);
    const { pool, problems } = readPool('pool.cluster.yaml', root);
    expect(problems).toEqual([]);
    return pool?.nodes.length;
  });
}

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
    expect(poolSizes(blocks)).toEqual([3, 3, 3]);
  });
});

describe('docs/running.md', () => {
  const file = new URL('../../docs/running.md', import.meta.url);
  const page = readFileSync(file, 'utf8');
  const written = yamlBlocks(page);

  it('shows cluster files that can be read', () => {
    expect(poolSizes(written)).toEqual([3, 2, 2]);
  });

  it('shows a container and secrets as configs take them', () => {
    const fields = written.map((text) => load(text) as Readonly<Record<string, unknown>>);
    expect(fields.filter((field) => 'container' in field || 'secrets' in field)).toHaveLength(2);
    for (const { container, secrets } of fields) {
      if (container !== undefined) containerSchema.parse(container);
      if (secrets !== undefined) secretsSchema.parse(secrets);
    }
  });

  it('has every failure category with its status', () => {
    const rows = [...page.matchAll(/^\| `(\w+_\w+)` \| `(failed_\w+)` \|/gm)].map(([, ...row]) => row);
    expect(rows).toEqual(Object.entries(STATUS_OF_FAILURE).map((entry) => expect.arrayContaining(entry)));
  });

  it('names GPU families that are known', () => {
    const list = /Families: ([^]*?)\.\n/.exec(page)?.[1] ?? '';
    const families = [...list.matchAll(/`(\w+)`/g)].map(([, family = '']) => family);
    expect(families).not.toEqual([]);
    expect(families.map(gpuFamilyOf)).toEqual(families);
  });

  it('has the failure patterns of the catalogue: `npm run docs:write` renews them', () => {
    const rows = patternCatalogue.map(
      ({ id, source, severity, hint }) => `| \`${id}\` | ${source} | ${severity} | ${hint.replaceAll('|', '\\|')} |`,
    );
    const table = ['| id | source | severity | what to do |', '| --- | --- | --- | --- |', ...rows].join('\n');
    const renewed = page.replace(
      /(<!-- patterns:.*-->\n)[^]*(<!-- \/patterns -->)/,
      (_, begin: string, end: string) => `${begin}\n${table}\n\n${end}`,
    );
    if (process.env['ASSAY_UPDATE_DOCS'] !== undefined) writeFileSync(file, renewed);
    expect(renewed).toContain(table);
    expect(readFileSync(file, 'utf8')).toBe(renewed);
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
