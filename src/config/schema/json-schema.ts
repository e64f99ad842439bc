import { z } from 'zod';
import { frameworkSchema } from './editor-schema.ts';
import type { FrameworkSpec } from './framework.ts';
import { acceptEnvironment } from './from-environment.ts';
import type { JsonSchema } from './from-environment.ts';
import { thresholdsFileSchema, workloadSchema } from './schema.ts';

/** The JSON Schema of a workload config: the fields of every config, and per framework its params, knobs, axes and roles. */
export function workloadJsonSchema(specs: readonly FrameworkSpec[]): JsonSchema {
  const { definitions, ...common } = toJsonSchema(workloadSchema, 'Assay workload config') as ObjectSchema;
  const closed = specs.map((spec) => toJsonSchema(frameworkSchema(spec), spec.name) as ObjectSchema);
  const framework = { ...common.properties['framework'], enum: specs.map(({ name }) => name) };
  return acceptEnvironment({
    ...common,
    properties: { ...common.properties, framework },
    allOf: closed.map(({ title, properties }) => ({
      if: { properties: { framework: { const: title } }, required: ['framework'] },
      // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema; nobody awaits one
      then: { properties },
    })),
    definitions: Object.assign({}, definitions, ...closed.map((one) => one.definitions)) as JsonSchema,
  });
}

/** The JSON Schema of `<config>.thresholds.yaml`. */
export function thresholdsJsonSchema(): JsonSchema {
  return acceptEnvironment(toJsonSchema(thresholdsFileSchema, 'Assay thresholds'));
}

interface ObjectSchema extends JsonSchema {
  readonly properties: Readonly<Record<string, JsonSchema>>;
  readonly definitions?: Readonly<Record<string, JsonSchema>>;
}

/** What a file must look like for a schema to accept it, in draft 7 of JSON Schema: the one that editors know best. */
export function toJsonSchema(schema: z.ZodType, title: string): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
    override: ({ jsonSchema }) => tidy(jsonSchema),
  });
  return { $schema, title, ...rest };
}

// What zod writes and no reader needs.
function tidy(schema: z.core.JSONSchema.BaseSchema): void {
  delete schema.readOnly;
  if (JSON.stringify(schema.propertyNames) === '{"type":"string"}') delete schema.propertyNames;
  const { allOf: [only, ...others] = [] } = schema;
  if (only?.$ref === undefined || others.length > 0 || Object.keys(schema).length > 1) return;
  delete schema.allOf;
  schema.$ref = only.$ref;
}
