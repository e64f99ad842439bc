import { z } from 'zod';

// A whole word of the name: HF_TOKEN and --api-key have one, TOKENIZERS_PARALLELISM and --pad-token-id do not.
const SECRET_NAME =
  /(?:^|[_-]|HF|GH|PG)(?:TOKEN(?![_-]ID)|SECRET|PASSWORD|PASSWD|PASSPHRASE|PASS|PAT|CREDENTIALS?|(?:API|ACCESS|PRIVATE)[_-]?KEY)(?:$|[_-])/i;

/** What `soundsSecret` looks for, as JSON Schema takes it: without flags. */
export const SECRET_NAME_PATTERN = SECRET_NAME.source.replaceAll(
  /[a-z]/gi,
  (letter) => `[${letter.toUpperCase()}${letter.toLowerCase()}]`,
);

/** Whether an environment variable or a flag is called like something that must not be written down. */
export function soundsSecret(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** The schema of `secrets:`: where each secret comes from, never what it is. */
export const secretsSchema = z.record(
  z.string().regex(/^[a-z][a-z0-9_]*$/, 'lower-case letters, digits and "_", with a letter first'),
  z.strictObject(
    {
      kind: z.literal('SecretValue').describe('Always SecretValue.'),
      source: z.literal('env').describe('Where the secret comes from: an environment variable.'),
      env_var: z
        .string()
        .regex(/^[A-Za-z_]\w*$/, 'the name of an environment variable')
        .describe('Name of the environment variable that holds it.'),
    },
    {
      error: ({ code }) =>
        code === 'invalid_type' ? 'write `{kind: SecretValue, source: env, env_var: NAME}`' : undefined,
    },
  ),
);
