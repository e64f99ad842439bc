import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { explainIssues, place } from '../../../../src/config/issues/issues.ts';
import { formatProblem } from '../../../../src/config/yaml/problem.ts';
import { workloadSchema } from '../../../../src/config/schema/schema.ts';
import { parseYaml } from '../../../../src/config/yaml/yaml-source.ts';

const ZOD_ENGLISH = /expected|received|Invalid|Too (?:small|big)|Unrecognized/;

/** Every sentence about a value; none when the schema accepts it. */
const tell = (schema: z.ZodType, value: unknown): readonly string[] => {
  const parsed = schema.safeParse(value);
  const mistakes = parsed.success ? [] : explainIssues(schema, parsed.error, value);
  return mistakes.map(({ path, message, hint }) => `${path.join('.')}: ${message} - ${hint}`);
};
const field = (schema: z.ZodType, value: unknown): string =>
  tell(z.strictObject({ a: schema }), { a: value }).join('\n');

const count = z.int().min(1);
const scalar = z.union([z.string(), z.number(), z.boolean()]);

describe('explainIssues', () => {
  it.each([
    // The value that was meant is near, and is what to write.
    [z.string(), 16, '16 is a number - write "16" in quotes'],
    [z.string(), true, 'true is not text - write "true" in quotes'],
    [z.literal('2'), 2, '2 is a number - write "2" in quotes'],
    [count, '16', '"16" is a string - write 16 without quotes'],
    [count, ' 16 ', '" 16 " is a string - write 16 without quotes'],
    [count, '1_000', '"1_000" is a string - write 1000'],
    [count, '1,000', '"1,000" is a string - write 1000'],
    [count, '16,', '"16," is a string - write 16'],
    [count, '1.5k', '"1.5k" is a string - write 1500'],
    [z.number(), '2M', '"2M" is a string - write 2000000'],
    [z.number(), '1,5', '"1,5" is not a number - write a number'],
    [z.boolean(), 'yes', '"yes" is a string in YAML 1.2 - write true'],
    [z.boolean(), 'Off', '"Off" is a string in YAML 1.2 - write false'],
    [z.boolean(), 'true', '"true" is a string - write true without quotes'],
    [count, [16], '[16] is a list - write 16'],
    [z.array(z.string()), 'x', '"x" is not a list - write ["x"]'],
    [z.array(z.string()), 'x, y', '"x, y" is a string - write ["x","y"]'],
    [z.array(z.number()), 8, '8 is not a list - write [8]'],
    [z.array(z.strictObject({ x: count })), { x: 1 }, 'is a mapping, not a list - write [{"x":1}]'],
    [
      z.strictObject({ x: count, y: count }),
      [{ x: 1 }, { y: 2 }],
      'is a list, not a mapping - write its fields without "- "',
    ],
    [z.strictObject({ x: count }), 'x:1', '"x:1" is not a mapping - write `x: 1`, with a space after the colon'],
    // Or it is not, and the words say what is wanted.
    [count, null, 'is empty - write a whole number of 1 or more'],
    [z.boolean(), null, 'is empty - write true or false'],
    [z.enum(['x', 'y']), null, 'is empty - write "x" or "y"'],
    [count, '0', '"0" is not a number - write a whole number of 1 or more'],
    [z.int(), 1.5, '1.5 is not a whole number - write a whole number'],
    [z.number(), '50ms', '"50ms" is not a number - write a number, without a unit'],
    [z.boolean(), 1, '1 is not true or false - write true or false'],
    [z.string(), ['x', 'y'], '["x","y"] is not a string - write a string'],
    [z.array(z.string()), {}, '{} is not a list - write a list of strings'],
    [z.array(z.int()), {}, '{} is not a list - write a list of numbers'],
    [z.record(z.string(), count), 5, '5 is not a mapping - write a mapping (key: value)'],
    [z.strictObject({ x: count, y: count.exactOptional() }), 5, '5 is not a mapping - write {"x":5}'],
    [z.strictObject({ x: count, y: count }).partial(), 5, '5 is not a mapping - write a mapping with `x` or `y`'],
    [count, NaN, 'NaN is not a number - write a whole number of 1 or more'],
    [z.date(), 5, '5 is not accepted - write another value'],
    // Bounds.
    [count, 0, '0 is too small - write a whole number of 1 or more'],
    [z.number().positive(), 0, '0 is too small - write a number above 0'],
    [z.int().min(0).max(65_535), 70_000, '70000 is too large - write a whole number from 0 to 65535'],
    [z.number().gt(0).lte(100), 990, '990 is too large - write a number above 0 and up to 100'],
    [z.number().lt(5), 5, '5 is too large - write a number below 5'],
    [z.number().int().max(5), 6, '6 is too large - write a whole number up to 5'],
    [z.int(), 2 ** 60, '1152921504606847000 is too large - write a whole number that is nearer to 0'],
    [z.int().multipleOf(8), 12, '12 is not accepted - write a multiple of 8'],
    [z.string().min(1), '', 'is empty - write a string'],
    [z.string().length(2), 'x', '"x" has 1 character - write exactly 2 characters'],
    [z.array(z.int()).min(1), [], 'is empty - write at least 1 item'],
    [z.array(z.int()).max(2), [1, 2, 3], '[1,2,3] has 3 items - write at most 2 items'],
    // Choices.
    [z.enum(['inference', 'training']), 'infrence', '"infrence" is not accepted - did you mean "inference"?'],
    [z.enum(['inference', 'training']), 'Training', '"Training" is not accepted - did you mean "training"?'],
    [z.enum(['<=', '<', '>=']), '=', '"=" is not accepted - use "<=", "<" or ">="'],
    [z.literal('auto'), 7, '7 is not accepted - use "auto"'],
    // Our own rules.
    [z.string().regex(/^a/, 'letters, "a" first'), 'b', '"b" is not accepted - write letters, "a" first'],
    [z.string().regex(/^a/, 'letters, "a" first'), null, 'is empty - write a string (letters, "a" first)'],
    [z.string().regex(/^\d+s$/, 'a duration such as 30s'), 30, '30 is a number - write a duration such as 30s'],
    [
      z
        .string()
        .regex(/^\d+s$/, 'a duration such as 30s')
        .transform(Number),
      [],
      '[] is not a string - write a duration such as 30s',
    ],
    [z.int().max(9, 'write a port up to 9'), 10, '10 is not accepted - write a port up to 9'],
    [z.int().max(9, 'write a port up to 9'), 'x', '"x" is not a number - write a port up to 9'],
    [z.string().min(1, 'name a host'), [1, 2], '[1,2] is not a string - name a host'],
    [
      z.array(z.int()).refine((list) => list.length > 1, 'at least two'),
      [3],
      '[3] is not accepted - write at least two',
    ],
    [z.string().refine(() => false), 'x', '"x" is not accepted - write a string'],
    [z.string().regex(/^[a-z_]+$/), 'A b', '"A b" is not accepted - write a_b'],
    [z.string().regex(/^[a-z]+$/), '1', '"1" is not accepted - write text that matches /^[a-z]+$/'],
    [z.url(), 'x y', '"x y" is not accepted - write text in the form of url'],
    // Unions: the option that has the form of the value, or all forms in words.
    [scalar, null, 'is empty - write a string, a number, or true or false'],
    [scalar, { x: 1 }, '{"x":1} is not accepted - write a string, a number, or true or false'],
    [z.union([z.array(scalar), scalar]), {}, '{} is not accepted - write a list, a string, a number, or true or false'],
    [z.union([z.int().min(1), z.literal('auto')]), 'atuo', '"atuo" is not accepted - did you mean "auto"?'],
    [
      z.union([z.int().min(1), z.literal('automatic')]),
      'automatc',
      '"automatc" is not accepted - did you mean "automatic"?',
    ],
    [z.union([z.int(), z.literal('auto')], 'a number, or auto'), 'x', '"x" is not accepted - write a number, or auto'],
    [
      z.union([z.string().regex(/^a/, 'a word with a').transform(Number), z.array(z.int())]),
      'x',
      '"x" is not accepted - write a word with a',
    ],
  ] satisfies readonly (readonly [z.ZodType, unknown, string])[])(
    'tells what to write: case %#',
    (schema, value, told) => {
      expect(field(schema, value)).toBe(`a: ${told}`);
      expect(told).not.toMatch(ZOD_ENGLISH);
    },
  );

  it('explains a union in place, by the option that the value has the form of', () => {
    const model = z.union([z.string(), z.strictObject({ id: z.string(), path: z.string().exactOptional() })]);
    expect(tell(z.strictObject({ model }), { model: { id: 5, pth: 'x' } })).toEqual([
      'model.id: 5 is a number - write "5" in quotes',
      'model.pth: unknown field - did you mean `path`?',
    ]);
    const axis = z.union([z.array(scalar).min(1), z.array(z.record(z.string(), count)).min(1), scalar]);
    expect(tell(axis, [1, 2, null])).toEqual(['2: is empty - write a string, a number, or true or false']);
    expect(tell(axis, [{ x: 1 }, { x: 0 }, { x: '2' }])).toEqual([
      '1.x: 0 is too small - write a whole number of 1 or more',
      '2.x: "2" is a string - write 2 without quotes',
    ]);
    const shapes = z.union([z.strictObject({ x: count, y: count }), z.strictObject({ p: count, q: count, r: count })]);
    expect(tell(shapes, { p: 1, q: 2, s: 3 })).toEqual(['s: unknown field - did you mean `r`?']);
  });

  it('says of a missing field what to add, for example what', () => {
    const schema = z.strictObject({
      version: z.literal('2'),
      kind: z.enum(['x', 'y']),
      name: z.string().regex(/^a/, 'letters, "a" first'),
      count,
      id: z.string().meta({ examples: ['gpt-oss'] }),
      roles: z.record(z.string(), count).meta({ examples: [{ server: 1 }] }),
      flag: z.boolean().default(true),
    });
    expect(tell(schema, {})).toEqual([
      'version: is missing - add `version: "2"`',
      'kind: is missing - add "x" or "y"',
      'name: is missing - add a string (letters, "a" first)',
      'count: is missing - add a whole number of 1 or more',
      'id: is missing - add a string, for example `id: "gpt-oss"`',
      'roles: is missing - add a mapping (key: value), for example `roles: {"server":1}`',
    ]);
  });

  it('takes a misspelt field for one mistake, and lists few fields but not many', () => {
    const few = z.strictObject({ alpha: count, beta: count.exactOptional() });
    expect(tell(few, { alpa: 1 })).toEqual(['alpa: unknown field - did you mean `alpha`?']);
    expect(tell(few, { alpha: 1, alpa: 1, gamma: 1 })).toEqual([
      'alpa: unknown field - remove it; `alpha` is there already',
      'gamma: unknown field - remove it; known: alpha, beta',
    ]);
    expect(tell(few, { alpha: 1, constructor: 1 })).toEqual([
      'constructor: unknown field - remove it; known: alpha, beta',
    ]);
    const many = z.strictObject(
      Object.fromEntries(Array.from('abcdefghi', (name) => [name.repeat(9), count.optional()])),
    );
    expect(tell(many, { zeta: 1 })).toEqual(['zeta: unknown field - remove it; see `assay schema`']);
    expect(tell(z.strictObject({}), { zeta: 1 })).toEqual(['zeta: unknown field - remove it']);
    expect(tell(z.partialRecord(z.enum(['alpha', 'beta']), count), { alpah: 1, bet: 1 })).toEqual([
      'alpah: unknown field - did you mean `alpha`?',
      'bet: unknown field - did you mean `beta`?',
    ]);
  });

  it('explains the field that says which option is meant', () => {
    const schema = z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('Rate'), min: count }),
      z.strictObject({ kind: z.literal('Share'), min: count, of: count }),
    ]);
    expect(tell(schema, { kind: 'Rte', min: 1 })).toEqual(['kind: "Rte" is not accepted - did you mean "Rate"?']);
    expect(tell(schema, { kind: 'Sum', min: 1 })).toEqual(['kind: "Sum" is not accepted - use "Rate" or "Share"']);
    expect(tell(schema, { kind: null })).toEqual(['kind: is empty - use "Rate" or "Share"']);
    expect(tell(schema, { kid: 'Rate', min: 1 })).toEqual(['kid: unknown field - did you mean `kind`?']);
    expect(tell(schema, { min: 1, of: 2 })).toEqual(['kind: is missing - add `kind: "Share"`']);
    expect(tell(schema, { min: 1 })).toEqual(['kind: is missing - add `kind:` with "Rate" or "Share"']);
    expect(tell(schema, 'Rate')).toEqual([': "Rate" is not a mapping - write a mapping with `kind`']);
    expect(tell(schema, { kind: 'Rate', mn: 0 })).toEqual(['mn: unknown field - did you mean `min`?']);
  });

  it('explains names where names are free', () => {
    const roles = z.record(z.string().regex(/^[a-z][a-z0-9_]*$/), count);
    expect(tell(roles, { 'Prefill Server': 1 })).toEqual([
      'Prefill Server: "Prefill Server" cannot be a name here - write prefill_server',
    ]);
    expect(tell(roles, { 9: 1 })).toEqual([
      '9: "9" cannot be a name here - write text that matches /^[a-z][a-z0-9_]*$/',
    ]);
    const ours = z.record(z.string().regex(/^[a-z]+$/, 'lower-case letters'), count);
    expect(tell(ours, { A: 1 })).toEqual(['A: "A" cannot be a name here - write lower-case letters']);
  });

  it('points at what is written where a schema makes more of it', () => {
    const model = z.preprocess(
      (value) => (typeof value === 'string' ? { id: value } : value),
      z.strictObject({ id: z.string().regex(/^a/, 'letters, "a" first') }),
    );
    expect(tell(z.strictObject({ model }), { model: 'b' })).toEqual([
      'model: "b" is not accepted - write letters, "a" first',
    ]);
    expect(tell(z.strictObject({ model }), { model: 5 })).toEqual([
      'model: 5 is not a mapping - write a mapping with `id`',
    ]);
  });

  it('shows a value on one line, and no more than 60 characters of it', () => {
    expect(field(count, `x\n\u2028${'y'.repeat(100)}`)).toBe(
      `a: "x\\n\\u2028${'y'.repeat(47)}... is not a number - write a whole number of 1 or more`,
    );
  });

  it('shows no value behind the name of a secret', () => {
    const env = z.record(z.string(), z.string().max(5)).check(({ value, issues }) => {
      issues.push({ code: 'custom', path: ['HF_TOKEN'], input: value, message: 'declare it under `secrets:`' });
    });
    expect(tell(z.strictObject({ env }), { env: { HF_TOKEN: 'hf_abcdef', API_KEY: 5 } })).toEqual([
      'env.HF_TOKEN: is not accepted, and not shown: it sounds like a secret - write a string',
      'env.API_KEY: is not accepted, and not shown: it sounds like a secret - write a string',
    ]);
    expect(tell(z.strictObject({ env }), { env: { HF_TOKEN: 'hf' } })).toEqual([
      'env.HF_TOKEN: is not accepted, and not shown: it sounds like a secret - declare it under `secrets:`',
    ]);
  });

  it('places each at the line and column of its path', () => {
    const { source } = parseYaml('f', 'a:\n  b: [1, "2"]\n');
    const mistake = { path: ['a', 'b', 1], message: 'is wrong', hint: 'mend it' };
    expect(formatProblem(place(source!, mistake))).toBe('f:2:11 a.b[1]: is wrong - mend it');
  });
});

const GOOD = {
  schema_version: '2',
  test_id: 'demo',
  target_gpu: 'cpu',
  framework: 'llama_cpp',
  workload_kind: 'inference',
  topology: { roles: { server: { count: 1, gpus_per_node: 8, selector: 'cpu' } } },
  model: { id: 'tiny', hf_repo: 'x/y', sha256: '0'.repeat(64) },
  container: { image: 'x', env: { A: 'b' }, mounts: ['/a:/b'], shm_size: '64g', devices: ['/dev/kfd'] },
  knobs: { quant: 'f32' },
  params: { isl: 8 },
  sweep: { concurrency: [1, 2], shape: [{ isl: 1, osl: 2, name: 'x' }], exclude: [{ concurrency: 1 }] },
  benchmarks: ['ttft_p99'],
  thresholds: [
    { kind: 'Percentile', metric: 'ttft_ms', percentile: 99, op: '<=', value: 50, when: { concurrency: 2 } },
    { kind: 'Rate', metric: 'throughput', per_unit: 'sec', op: '>=', min_rate: 1 },
  ],
  enforce: true,
  timeouts: { launch: '30m' },
  secrets: { hf: { kind: 'SecretValue', source: 'env', env_var: 'HF_TOKEN' } },
};

/** Every place of a value. */
function pathsIn(value: unknown, path: readonly (string | number)[] = []): readonly (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  const steps = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return [
    path,
    ...steps.flatMap((step) => pathsIn((value as Record<string | number, unknown>)[step], [...path, step])),
  ];
}

function replaceAt(value: unknown, [step, ...rest]: readonly (string | number)[], other: unknown): unknown {
  if (step === undefined) return other;
  if (Array.isArray(value)) return value.map((item, index) => (index === step ? replaceAt(item, rest, other) : item));
  return { ...(value as object), [step]: replaceAt((value as Record<string | number, unknown>)[step], rest, other) };
}

describe('explainIssues, on whatever there is', () => {
  const scalars = fc.oneof(
    fc.constantFrom<unknown>(null, '', '16', 'yes', '1_000', 'a b', '<=', 0, -1, 1.5, NaN, 2 ** 60, true, 'kind:x'),
    fc.string(),
    fc.double(),
  );
  const anything = fc.oneof(
    scalars,
    fc.array(scalars, { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('kind', 'id', 'count', 'roles', 'isl', 'x y', 'exclude'), scalars, { maxKeys: 3 }),
    fc.jsonValue({ maxDepth: 3 }),
  );
  const broken = fc
    .array(fc.tuple(fc.constantFrom(...pathsIn(GOOD)), anything), { minLength: 1, maxLength: 3 })
    .map((changes) => changes.reduce<unknown>((value, [path, other]) => safely(value, path, other), GOOD));
  const safely = (value: unknown, path: readonly (string | number)[], other: unknown): unknown => {
    const reached = path.slice(0, -1).reduce<unknown>((at, step) => (at as never)?.[step], value);
    return path.length === 0 || (typeof reached === 'object' && reached !== null)
      ? replaceAt(value, path, other)
      : value;
  };

  it('accepts the document that the properties break', () => {
    expect(tell(workloadSchema, GOOD)).toEqual([]);
  });

  it('has a sentence for every failure, none of them in the words of zod', () => {
    fc.assert(
      fc.property(fc.oneof(broken, anything), (value) => {
        const parsed = workloadSchema.safeParse(value);
        if (parsed.success) return;
        const mistakes = explainIssues(workloadSchema, parsed.error, value);
        expect(mistakes).not.toEqual([]);
        for (const { message, hint } of mistakes) {
          expect(hint.length * message.length).toBeGreaterThan(0);
          expect(`${message} - ${hint}`).not.toMatch(/undefined|\[object|another value|[\r\n]/);
          expect(`${message} - ${hint}`).not.toMatch(ZOD_ENGLISH);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
