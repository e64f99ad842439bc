import { z } from 'zod';
import { SECRET_NAME_PATTERN, soundsSecret } from './secrets.ts';

const VARIABLE = /^[A-Za-z_]\w*$/;

const environment = z
  .record(
    z.string().regex(VARIABLE, 'the name of an environment variable'),
    z.union([z.string(), z.number(), z.boolean()]).transform(String),
  )
  .check(({ value, issues }) => {
    for (const name of Object.keys(value).filter(soundsSecret)) {
      issues.push({
        code: 'custom',
        path: [name],
        input: value[name],
        message: `declare it under \`secrets:\` instead: \`${name.toLowerCase()}: {kind: SecretValue, source: env, env_var: ${name}}\``,
      });
    }
  })
  .meta({ propertyNames: { pattern: VARIABLE.source, not: { pattern: SECRET_NAME_PATTERN } } });

/** The image that a workload runs in, and what it may touch on its host. */
export const containerSchema = z.strictObject({
  image: z.string().regex(/^\S+$/, 'an image reference such as rocm/vllm:0.10.1').describe('Image reference.'),
  digest: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/, 'sha256: and 64 hex digits')
    .exactOptional()
    .describe('Pins the image: without it a run is never taken for an earlier one.'),
  runtime: z.enum(['docker', 'podman']).default('docker').describe('What runs the container.'),
  pull: z
    .enum(['missing', 'never', 'always'])
    .default('missing')
    .describe('When the image is fetched to the node: only where it is missing, by default.'),
  env: environment.default({}).describe('Environment variables of the container; secrets belong under `secrets:`.'),
  mounts: z
    .array(z.string().regex(/^[^:]+:\/[^:]*(:ro|:rw)?$/, 'source:/target or source:/target:ro'))
    .default([])
    .describe('Folders of the host that the container sees: `source:/target`, or `source:/target:ro` to read only.'),
  shm_size: z
    .string()
    .regex(/^\d+[bkmgBKMG]?$/, 'a size such as 64g')
    .exactOptional()
    .describe('Size of /dev/shm, e.g. 64g; bytes without a suffix.'),
  devices: z
    .array(z.string().regex(/^\/dev\/\S+$/, 'a device such as /dev/kfd'))
    .default([])
    .describe('Devices of the host that the container may use, e.g. /dev/kfd.'),
});

/** The image that a workload runs in, and what it may touch on its host. */
export type ContainerSpec = z.output<typeof containerSchema>;
