import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Ajv } from 'ajv';
import type { ValidateFunction } from 'ajv';
import fc from 'fast-check';
import { load } from 'js-yaml';
import { globSync } from 'tinyglobby';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { poolFileSchema } from '../../../src/cluster/pool-schema.ts';
import { frameworkSchema } from '../../../src/config/editor-schema.ts';
import { thresholdsJsonSchema, toJsonSchema, workloadJsonSchema } from '../../../src/config/json-schema.ts';
import { loadConfigs } from '../../../src/config/load.ts';
import { thresholdsFileSchema, workloadSchema } from '../../../src/config/schema.ts';
import { frameworks } from '../../../src/session/registry.ts';
import { mutantsOf, pathsOf, setAt, valueAt, VALUES } from './mutations.ts';
import { fullConfig, POOLS, smallestConfig, THRESHOLD_FILES } from './valid-configs.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const MUTANTS = 2000;

const specs = frameworks.map(({ spec }) => spec);
const frameworkSchemas = new Map(specs.map((spec) => [spec.name, frameworkSchema(spec)]));
const configs = specs.flatMap(({ name }) => [smallestConfig(name), fullConfig(name)]);

/** What zod knows and a JSON Schema does not say, with the reason: the loader tells, the editor does not. */
const BEYOND_JSON_SCHEMA: Readonly<Record<string, string>> = {
  'one more than a multiple of 4, e.g. 81': '`multipleOf` leaves no remainder',
  'write a host name or an IP address': 'an address in the notation of IPv6 is no pattern',
  'write a port from 1 to 65535': 'no pattern compares a number inside a text',
  'name at least one node': 'the schema of cluster files has no minProperties',
};

function accepts(schema: z.ZodType, document: unknown): boolean {
  return isBeyond(schema.safeParse(document).error?.issues ?? []);
}

function isBeyond(issues: readonly z.core.$ZodIssue[]): boolean {
  return issues.every((issue) => {
    if (issue.code === 'invalid_union') return issue.errors.some(isBeyond);
    return issue.code === 'custom' && issue.message in BEYOND_JSON_SCHEMA;
  });
}

/** What zod says of a config before its sweep is expanded. */
function acceptsConfig(config: unknown): boolean {
  const { framework = null } = (config ?? {}) as { readonly framework?: unknown };
  const closed = frameworkSchemas.get(String(framework));
  return closed !== undefined && accepts(workloadSchema, config) && accepts(closed, config);
}

/** What the loader says of a config as a whole. */
function loads(config: unknown): boolean {
  const root = mkdtempSync(join(tmpdir(), 'assay-json-schema-'));
  writeFileSync(join(root, 'config.yaml'), JSON.stringify(config));
  return loadConfigs(['config.yaml'], { root, specs, env: {}, overrides: [] }).problems.length === 0;
}

// Strict but for `not: {required: [...]}`, which names fields that it does not describe.
const ajv = new Ajv({ strict: true, allowUnionTypes: true, strictRequired: false });
const compile = (schema: object): ValidateFunction => ajv.compile(schema);

const json = {
  workload: workloadJsonSchema(specs),
  thresholds: thresholdsJsonSchema(),
  cluster: toJsonSchema(poolFileSchema, 'Assay cluster file'),
};
const validate = {
  workload: compile(json.workload),
  thresholds: compile(json.thresholds),
  cluster: compile(json.cluster),
};
type Kind = keyof typeof json;

/** Why a document is refused; empty when it is not. */
function complaint(kind: Kind, document: unknown): string {
  return validate[kind](document) ? '' : ajv.errorsText(validate[kind].errors);
}

/** The configs of the golden files that are YAML at all, and have no placeholder: zod sees none. */
function brokenConfigs(): readonly string[] {
  const files = globSync('test/golden/*.md', { cwd: ROOT, absolute: true });
  const blocks = files.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/^```yaml\n(.*?)^```/gms)]);
  return blocks.map(([, text = '']) => text).filter((text) => !text.includes('${') && isYaml(text));
}

function isYaml(text: string): boolean {
  try {
    load(text);
    return true;
  } catch {
    return false;
  }
}

/** The names of all fields that a JSON Schema knows, at any depth. */
function fieldsOf(schema: unknown): readonly string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const { properties = {} } = schema as { readonly properties?: object };
  return [...new Set([...Object.keys(properties), ...Object.values(schema).flatMap(fieldsOf)])];
}

describe('the JSON Schema', () => {
  it.each<readonly [Kind, readonly unknown[], (document: unknown) => boolean]>([
    ['workload', configs, acceptsConfig],
    ['thresholds', THRESHOLD_FILES, (document) => accepts(thresholdsFileSchema, document)],
    ['cluster', POOLS, (document) => accepts(poolFileSchema, document)],
  ])('of a %s file accepts exactly what zod accepts', (kind, valid, acceptsByZod) => {
    expect(valid.map((document) => complaint(kind, document))).toEqual(valid.map(() => ''));
    expect(valid.map(acceptsByZod)).toEqual(valid.map(() => true));
    const mutants = mutantsOf(valid, fieldsOf(json[kind]));
    const isAgreed = (document: unknown): void => {
      expect(validate[kind](document), complaint(kind, document)).toBe(acceptsByZod(document));
    };
    fc.assert(fc.property(mutants, isAgreed), { numRuns: MUTANTS });
  });

  it.each(specs)('accepts for each param of $name exactly what zod accepts', ({ name, params }) => {
    const config = smallestConfig(name);
    for (const field of Object.keys(params.shape)) {
      for (const value of VALUES) {
        const one = { ...config, params: { [field]: value } };
        expect(validate.workload(one), `${field}: ${JSON.stringify(value)}`).toBe(acceptsConfig(one));
      }
    }
  });

  it.each([
    ['workload', ['configs/**/*.yaml', '!configs/**/*.{cluster,thresholds}.yaml']],
    ['thresholds', ['configs/**/*.thresholds.yaml']],
    ['cluster', ['configs/**/*.cluster.{yaml,json}']],
  ] as const)('of a %s file accepts every shipped one, which says where it is', (kind, patterns) => {
    const files = globSync([...patterns], { cwd: ROOT });
    expect(files).not.toEqual([]);
    for (const file of files) {
      const text = readFileSync(join(ROOT, file), 'utf8');
      expect(complaint(kind, load(text)), file).toBe('');
      if (file.endsWith('.json')) continue;
      const [, path = ''] = /^# yaml-language-server: \$schema=(.+)\n/.exec(text) ?? [];
      expect(resolve(ROOT, dirname(file), path), file).toBe(join(ROOT, `schemas/${kind}.schema.json`));
    }
  });

  it.each(brokenConfigs())('agrees with zod on broken config %#', (text) => {
    const config = load(text);
    expect(validate.workload(config), complaint('workload', config)).toBe(acceptsConfig(config));
  });

  it('accepts every config that loads', () => {
    expect(configs.map(loads)).toEqual(configs.map(() => true));
    const refused = mutantsOf(configs, fieldsOf(json.workload)).filter(
      // The loader begins with the common fields: what they refuse does not load. An empty `name:` loads as "null".
      (config) =>
        !validate.workload(config) &&
        workloadSchema.safeParse(config).success &&
        !JSON.stringify(config).includes('"name":null'),
    );
    fc.assert(
      fc.property(refused, (config) => {
        expect(loads(config), complaint('workload', config)).toBe(false);
      }),
      { numRuns: MUTANTS / 10 },
    );
  });

  it('accepts ${env:NAME} for any value of a config', () => {
    for (const config of configs) {
      for (const path of pathsOf(config)) {
        if (typeof valueAt(config, path) === 'object') continue;
        expect(complaint('workload', setAt(config, path, '${env:NAME}')), path.join('.')).toBe('');
      }
    }
  });

  it.each([
    ['a role that the framework has not', ['topology', 'roles', 'prefill'], { count: 1 }],
    ['another kind of workload than that of the framework', ['workload_kind'], 'training'],
    ['a param of another framework', ['params', 'micro_batch_size'], 1],
    ['an axis with a wrong value', ['sweep'], { concurrency: [1, '2'] }],
    ['an option with a field that is no param', ['sweep'], { lengths: [{ isl: 8, oosl: 8 }] }],
    ['a flag that a param sets', ['params', 'serve_args'], { 'no-enforce-eager': true }],
    ['a secret among the plain variables', ['container', 'env'], { HF_TOKEN: 'x' }],
    ['a secret in small letters', ['container', 'env'], { my_api_key: 'x' }],
    ['a benchmark twice', ['benchmarks'], ['throughput', 'throughput']],
    ['two deadlines', ['thresholds', 3, 'by_wallclock_sec'], 60],
    ['more samples than there are', ['thresholds', 0, 'percentile'], 100],
  ] as const)('refuses %s', (_, path, value) => {
    expect(complaint('workload', setAt(fullConfig('vllm'), path, value))).not.toBe('');
  });

  it('knows the common fields while the framework is not known', () => {
    const config = { ...fullConfig('vllm'), framework: '${env:FRAMEWORK}' };
    expect(complaint('workload', { ...config, params: { anything: 1 } })).toBe('');
    expect(complaint('workload', { ...config, topology: { roles: {} } })).not.toBe('');
    expect(complaint('workload', { ...config, seed: -1 })).not.toBe('');
  });

  it('refuses a container where there can be none', () => {
    expect(complaint('workload', { ...fullConfig('llama_cpp'), container: { image: 'x' } })).not.toBe('');
  });

  it('explains every field of a config, wherever it may stand', () => {
    const { properties, definitions, allOf } = json.workload as unknown as Explained;
    const knobs = allOf.map(({ then }) => then.properties.knobs);
    const isExplained = ({ description, $ref = '' }: Field): boolean =>
      (description ?? definitions[$ref.replace('#/definitions/', '')]?.description ?? '') !== '';
    const unexplained = (schema: unknown): readonly string[] => {
      if (typeof schema !== 'object' || schema === null) return [];
      const fields = Object.entries((schema as Partial<Explained>).properties ?? {});
      const inner = Object.entries(schema).flatMap(([word, one]) => (word === 'not' ? [] : unexplained(one)));
      return [...fields.flatMap(([name, field]) => (isExplained(field) ? [] : [name])), ...inner];
    };
    expect(unexplained({ properties, definitions, knobs })).toEqual([]);
  });
});

interface Field {
  readonly description?: string;
  readonly $ref?: string;
}

interface Explained {
  readonly properties: Readonly<Record<string, Field>>;
  readonly definitions: Readonly<Record<string, Field>>;
  readonly allOf: readonly { readonly then: { readonly properties: { readonly knobs: unknown } } }[];
}
