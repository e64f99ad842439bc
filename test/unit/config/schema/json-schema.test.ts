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
import { poolFileSchema } from '../../../../src/cluster/pool-schema.ts';
import { frameworkSchema } from '../../../../src/config/schema/editor-schema.ts';
import { thresholdsJsonSchema, toJsonSchema, workloadJsonSchema } from '../../../../src/config/schema/json-schema.ts';
import { loadConfigs } from '../../../../src/config/load.ts';
import { thresholdsFileSchema, workloadSchema } from '../../../../src/config/schema/schema.ts';
import { frameworks } from '../../../../src/session/registry.ts';
import { mutantsOf, pathsOf, setAt, valueAt, VALUES } from './mutations.ts';
import { fullConfig, POOLS, smallestConfig, THRESHOLD_FILES } from './valid-configs.ts';

const ROOT = resolve(import.meta.dirname, '../../../..');
const MUTANTS = 2000;

const specs = frameworks.map(({ spec }) => spec);
const frameworkSchemas = new Map(specs.map((spec) => [spec.name, frameworkSchema(spec)]));
const configs = specs.flatMap(({ name }) => [smallestConfig(name), fullConfig(name)]);

/** What zod knows and a JSON Schema does not say, with the reason: the loader tells, the editor does not. */
const BEYOND_JSON_SCHEMA: Readonly<Record<string, string>> = {
  'write one more than a multiple of 4, e.g. 81': '`multipleOf` leaves no remainder',
  'write a host name or an IP address': 'an address in the notation of IPv6 is no pattern',
  'write a port from 1 to 65535': 'no pattern compares a number inside a text',
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
const KINDS = Object.keys(json) as readonly Kind[];

/** Why a document is refused; empty when it is not. */
function complaint(kind: Kind, document: unknown): string {
  return validate[kind](document) ? '' : ajv.errorsText(validate[kind].errors);
}

const acceptsByZod: Readonly<Record<Kind, (document: unknown) => boolean>> = {
  workload: acceptsConfig,
  thresholds: (document) => accepts(thresholdsFileSchema, document),
  cluster: (document) => accepts(poolFileSchema, document),
};

/** Expects the two judges of a document to agree. */
function expectAgreement(kind: Kind, document: unknown): void {
  const verdict = `${complaint(kind, document)} ${JSON.stringify(document)}`;
  expect(validate[kind](document), verdict).toBe(acceptsByZod[kind](document));
}

/** The files of the golden page that are YAML at all, and have no placeholder: zod sees none. */
function brokenFiles(): readonly string[] {
  const page = readFileSync(join(ROOT, 'test/golden/broken-configs.md'), 'utf8');
  const blocks = [...page.matchAll(/^```(?:yaml|json)(?: file=\S+)?\n(.*?)^```$/gms)];
  return blocks.map(([, text = '']) => text).filter((text) => !text.includes('${env:') && isYaml(text));
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
  it.each([
    ['workload', configs],
    ['thresholds', THRESHOLD_FILES],
    ['cluster', POOLS],
  ] as const)('of a %s file accepts exactly what zod accepts', (kind, valid) => {
    expect(valid.map((document) => complaint(kind, document))).toEqual(valid.map(() => ''));
    expect(valid.map(acceptsByZod[kind])).toEqual(valid.map(() => true));
    const mutants = mutantsOf(valid, fieldsOf(json[kind]));
    fc.assert(
      fc.property(mutants, (document) => expectAgreement(kind, document)),
      { numRuns: MUTANTS },
    );
  });

  it.each(specs)('accepts for each param of $name exactly what zod accepts', ({ name, params }) => {
    const config = smallestConfig(name);
    for (const field of Object.keys(params.shape)) {
      for (const value of VALUES) {
        expectAgreement('workload', { ...config, params: { [field]: value } });
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

  it('accepts of the golden page exactly what zod accepts', () => {
    const documents = brokenFiles().map((text) => load(text));
    expect(documents.length).toBeGreaterThan(100);
    for (const document of documents) for (const kind of KINDS) expectAgreement(kind, document);
  });

  it('accepts every config that loads', () => {
    expect(configs.map(loads)).toEqual(configs.map(() => true));
    const refused = mutantsOf(configs, fieldsOf(json.workload)).filter(
      // The loader begins with the common fields: what they refuse does not load.
      (config) => !validate.workload(config) && workloadSchema.safeParse(config).success,
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
    expect(complaint('workload', { ...fullConfig('jax_js'), container: { image: 'x' } })).not.toBe('');
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
