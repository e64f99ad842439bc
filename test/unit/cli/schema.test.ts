import { readFileSync } from 'node:fs';
import { runCommand } from 'citty';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { printSchema, schema } from '../../../src/cli/schema.ts';

const KINDS = ['workload', 'thresholds', 'cluster', 'manifest'] as const;
const LARGEST_BYTES = 400_000;

const shipped = (kind: string): string =>
  readFileSync(new URL(`../../../schemas/${kind}.schema.json`, import.meta.url), 'utf8');

describe.each(KINDS)('schemas/%s.schema.json', (kind) => {
  it('is what the code says: `npm run schema:write` renews it', () => {
    expect(shipped(kind) === printSchema(kind), 'run `npm run schema:write` and commit what it writes').toBe(true);
  });

  it('is a document of draft 7 that is small enough for an editor', () => {
    expect(JSON.parse(shipped(kind))).toMatchObject({ $schema: 'http://json-schema.org/draft-07/schema#' });
    expect(Buffer.byteLength(shipped(kind))).toBeLessThan(LARGEST_BYTES);
  });
});

describe('assay schema', () => {
  let printed = '';
  beforeEach(() => {
    printed = '';
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed += String(text);
      return true;
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
  const run = async (...rawArgs: string[]): Promise<string> => {
    await runCommand(schema, { rawArgs });
    return printed;
  };

  it.each([
    [[], 'workload'],
    [['workload'], 'workload'],
    [['thresholds', '--json'], 'thresholds'],
    [['cluster'], 'cluster'],
  ] as const)('%j prints the schema of a %s file', async (args, kind) => {
    expect(await run(...args)).toBe(printSchema(kind));
  });

  it.each([
    [['--modeline'], 'node_modules/vitest-assay/schemas/workload.schema.json'],
    [['cluster', '--modeline'], 'node_modules/vitest-assay/schemas/cluster.schema.json'],
    [['--for', 'my.yaml'], 'node_modules/vitest-assay/schemas/workload.schema.json'],
    [['--for', 'configs/vllm/my.yaml'], '../../node_modules/vitest-assay/schemas/workload.schema.json'],
    [['thresholds', '--for=./a/b.yaml'], '../node_modules/vitest-assay/schemas/thresholds.schema.json'],
    [['--for', 'a/b.thresholds.yaml'], '../node_modules/vitest-assay/schemas/thresholds.schema.json'],
    [['--for', 'lab.cluster.yaml'], 'node_modules/vitest-assay/schemas/cluster.schema.json'],
    [['workload', '--for', 'lab.cluster.yaml'], 'node_modules/vitest-assay/schemas/workload.schema.json'],
  ])('%j prints the comment that finds the schema from the folder of a file', async (args, path) => {
    expect(await run(...args)).toBe(`# yaml-language-server: $schema=${path}\n`);
  });

  it.each([
    [['workloads'], 'there is no schema of "workloads"', 'did you mean workload?'],
    [
      ['configs/my.yaml'],
      'there is no schema of "configs/my.yaml"',
      'use one of workload, thresholds, cluster, manifest',
    ],
    [['--for'], '--for has no value', 'write --for=<value>, or leave it out'],
    [['--for', '--modeline'], '--for has no value', 'write --for=<value>, or leave it out'],
    [['--json=false'], '--json=false: this option takes no value', 'write --json, or leave it out'],
    [['--modelin'], 'there is no option --modelin', 'did you mean --modeline?'],
  ])('%j is a usage error', async (args, message, hint) => {
    await expect(run(...args)).rejects.toMatchObject({ code: 'USAGE', message, hint });
    expect(printed).toBe('');
  });
});
