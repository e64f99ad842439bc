import { z } from 'zod';
import type { FrameworkSpec } from './framework.ts';
import { NAME, NAME_RULE } from './name.ts';
import { workloadSchema } from './schema.ts';
import { topologySchema } from './topology.ts';

/**
 * What a framework says of a config file before its sweep is expanded: which params, knobs, axes and roles there are.
 * A file that fits this and `workloadSchema` is one that editors accept; whatever two fields decide together is left
 * to the loader.
 */
export function frameworkSchema(spec: FrameworkSpec): z.ZodObject {
  const params = optionalFields(spec);
  const topology = topologyOf(spec);
  const options = z
    .array(z.strictObject({ ...params, name: optionName.exactOptional(), topology: z.exactOptional(topology) }))
    .min(1)
    .meta({ id: `${spec.name}.options`, description: 'Options of a paired axis: the fields of each vary together.' });
  return z.looseObject({
    workload_kind: z.literal(spec.workloadKind),
    topology: z.exactOptional(topology),
    ...(spec.container === 'none' ? { container: z.never().exactOptional() } : {}),
    knobs: spec.knobs.exactOptional(),
    params: z
      .strictObject(params)
      .meta({ id: `${spec.name}.params` })
      .exactOptional(),
    sweep: sweepOf(params, options)
      .meta({ id: `${spec.name}.sweep` })
      .exactOptional(),
  });
}

const optionName = z
  .union([z.string().regex(NAME, NAME_RULE), z.number(), z.boolean()])
  .describe('What the option is called in cell ids and selectors.');

type Fields = Readonly<Record<string, z.ZodExactOptional>>;

// Each is optional: what `params:` leaves out, the sweep may set.
function optionalFields({ name: framework, params }: FrameworkSpec): Fields {
  const fields = Object.entries(params.shape) as [string, z.ZodType][];
  return Object.fromEntries(
    fields.map(([name, field]) => [name, z.exactOptional(field.meta({ id: `${framework}.${name}` }))]),
  );
}

function sweepOf(params: Fields, options: z.ZodType): z.ZodType {
  const axes = Object.entries(params).map(([name, param]) => {
    const field = param.unwrap() as z.ZodType;
    const { description = '' } = field;
    return [
      name,
      z
        .union([field, z.array(field).min(1), options])
        .exactOptional()
        .describe(description),
    ];
  });
  const { exclude, include } = workloadSchema.shape.sweep.unwrap().shape;
  return z.object({ exclude, include, ...Object.fromEntries(axes) }).catchall(options);
}

function topologyOf({ name, roles }: FrameworkSpec): z.ZodType {
  const anyRoles = topologySchema.shape.roles;
  const role = anyRoles.valueType;
  const own = z.strictObject({
    ...Object.fromEntries(roles.required.map((one) => [one, role])),
    ...Object.fromEntries(roles.optional.map((one) => [one, role.exactOptional()])),
  });
  return z
    .strictObject({ roles: own.describe(anyRoles.description ?? '') })
    .meta({ id: `${name}.topology`, description: workloadSchema.shape.topology.description });
}
