import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ContainerSpec } from '../../../src/config/schema/container.ts';
import { SecretValue } from '../../../src/core/secret.ts';
import { envFileText } from '../../../src/exec/container-env.ts';

const name = fc.stringMatching(/^[A-Za-z_]\w{0,8}$/);
const value = fc.string({ unit: 'binary' }).filter((text) => !/[\n\r\0]/.test(text));
const variables = fc.dictionary(name, value, { noNullPrototype: true });

describe('envFileText', () => {
  it('holds every value verbatim: the command overrides the config, a secret both, and the run label all', () => {
    fc.assert(
      fc.property(variables, variables, variables, (config, command, secrets) => {
        expect(parsed(textOf({ config, command, secrets }))).toEqual({
          ...config,
          ...command,
          ...secrets,
          ASSAY_RUN_ID: 'run',
        });
      }),
    );
  });

  it.each([
    ['a line feed', 'a\nEVIL=1'],
    ['a carriage return', 'a\r'],
    ['a NUL', 'a\0b'],
    ['more than a line can hold', 'x'.repeat(65_536)],
  ])('refuses %s, without showing it', (_, secret) => {
    const refused = (): string => textOf({ secrets: { TOKEN: secret } });
    expect(refused).toThrow(expect.objectContaining({ code: 'SETUP_FAILED', hint: expect.stringContaining('file') }));
    expect(refused).toThrow('"TOKEN"');
    expect(refused).not.toThrow(secret);
  });

  it.each(['', 'A B', '#A', 'A=B', 'A\nB'])('refuses a variable with the name %j', (bad) => {
    expect(() => textOf({ command: { [bad]: 'value' } })).toThrow(JSON.stringify(bad));
  });
});

interface Given {
  readonly config?: Record<string, string>;
  readonly command?: Record<string, string>;
  readonly secrets?: Record<string, string>;
}

function textOf({ config = {}, command = {}, secrets = {} }: Given): string {
  const container: ContainerSpec = {
    image: 'tool:1',
    runtime: 'docker',
    pull: 'never',
    mounts: [],
    devices: [],
    env: config,
  };
  return envFileText(
    container,
    { file: 'serve', args: [], env: command },
    {
      runId: 'run',
      secrets: Object.fromEntries(Object.entries(secrets).map(([key, text]) => [key, new SecretValue(key, text)])),
    },
  );
}

// As both engines read it.
function parsed(text: string): Record<string, string> {
  const lines = text.split('\n').slice(0, -1);
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}
