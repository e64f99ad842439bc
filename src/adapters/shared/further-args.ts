import { z } from 'zod';
import { SECRET_NAME_PATTERN, soundsSecret } from '../../config/schema/secrets.ts';

type FurtherArgs = z.ZodExactOptional<
  z.ZodRecord<z.ZodString, z.ZodUnion<readonly [z.ZodString, z.ZodNumber, z.ZodBoolean]>>
>;

/**
 * Further flags of a tool, without their leading dashes; `true` is a flag without a value, `false` its `no-` form.
 * `owners` says what sets the flags that are not free, by their plain names: a flag has one place.
 */
export function furtherArgs(owners: Readonly<Record<string, string>>): FurtherArgs {
  const names = Object.keys(owners).map((name) => name.replaceAll('_', '[-_]'));
  const owned = new RegExp(`^-*(?:no[-_])?(${names.join('|')})$`);
  return z
    .record(z.string(), z.union([z.string('a text'), z.number('a number'), z.boolean('true or false')]))
    .check(({ value, issues }) => {
      for (const [flag, given] of Object.entries(value)) {
        const name = owned.exec(flag)?.[1]?.replaceAll('-', '_');
        const message = name === undefined ? secretAdvice(flag) : `set ${owners[name]} instead`;
        if (message !== null) issues.push({ code: 'custom', path: [flag], message, input: given });
      }
    })
    .meta({ propertyNames: { not: { pattern: `${owned.source}|${SECRET_NAME_PATTERN}` } } })
    .exactOptional();
}

function secretAdvice(flag: string): string | null {
  return soundsSecret(flag) ? 'declare it under `secrets:`; what stands here ends up in manifests' : null;
}

/** Says that each of these fields sets the flag of its own name. */
export function ownersOf(fields: Readonly<Record<string, z.ZodType>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.keys(fields).map((name) => [name, `params.${name}`]));
}
