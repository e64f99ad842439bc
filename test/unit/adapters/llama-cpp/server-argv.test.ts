import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AssayError } from '../../../../src/core/errors.ts';
import {
  maxSeed,
  parseServerArgv,
  serverArgv,
  serverUsage,
  type ServerOptions,
} from '../../../../src/adapters/llama-cpp/server-argv.ts';

function settingsOf(argv: readonly string[]): object {
  const command = parseServerArgv(argv);
  return command.kind === 'serve' ? command.settings : {};
}

function usageProblem(argv: readonly string[]): string {
  try {
    parseServerArgv(argv);
  } catch (error) {
    return error instanceof AssayError && error.code === 'USAGE' ? error.message : 'another error';
  }
  return 'no error';
}

const options: fc.Arbitrary<ServerOptions> = fc.record(
  {
    model: fc.string({ minLength: 1 }),
    modelSha256: fc.stringMatching(/^[0-9a-f]{64}$/),
    alias: fc.string({ minLength: 1 }),
    host: fc.string({ minLength: 1 }),
    port: fc.nat(65_535),
    ctxSize: fc.integer({ min: 2, max: 1_048_576 }),
    parallel: fc.integer({ min: 1, max: 64 }),
    threads: fc.integer({ min: 1, max: 256 }),
    seed: fc.nat(maxSeed),
    maxQueue: fc.nat(1_000_000),
    drainTimeoutS: fc.nat(3600),
  },
  { requiredKeys: ['model'] },
);

describe('serverArgv', () => {
  it('passes only what is given, one word per option', () => {
    expect(serverArgv({ model: '/m/tiny.gguf', port: 0, ctxSize: 256, alias: undefined })).toEqual([
      '--model=/m/tiny.gguf',
      '--port=0',
      '--ctx-size=256',
    ]);
  });

  it('is read back as it was meant, whatever the values are', () => {
    fc.assert(
      fc.property(options, (given) => {
        expect(settingsOf(serverArgv(given))).toMatchObject(given);
      }),
    );
  });
});

describe('parseServerArgv', () => {
  it('fills in the defaults', () => {
    expect(parseServerArgv(['--model', 'models/tiny.v2.gguf'])).toEqual({
      kind: 'serve',
      settings: {
        model: 'models/tiny.v2.gguf',
        modelSha256: undefined,
        alias: 'tiny.v2',
        host: '127.0.0.1',
        port: 0,
        ctxSize: undefined,
        parallel: 1,
        threads: 1,
        seed: 0,
        maxQueue: 1024,
        drainTimeoutS: 10,
      },
    });
  });

  it('shows the help before it complains about anything', () => {
    expect(parseServerArgv(['--help', '--port', 'x'])).toEqual({ kind: 'help' });
  });

  it('documents every option', () => {
    const flags = serverArgv({
      model: 'x',
      modelSha256: 'x',
      alias: 'x',
      host: 'x',
      port: 0,
      ctxSize: 0,
      parallel: 0,
      threads: 0,
      seed: 0,
      maxQueue: 0,
      drainTimeoutS: 0,
    }).map((word) => word.split('=', 1)[0]);
    for (const flag of flags) {
      expect(serverUsage).toContain(`  ${flag} `);
    }
  });

  it('reports all problems at once, each with its value', () => {
    const problem = usageProblem(['--port=65536', '--parallel=0', '--threads=2x', '--model-sha256=abc']);
    expect(problem).toBe(
      '--model is missing; ' +
        '--model-sha256 must be 64 hex digits (got "abc"); ' +
        '--port must be a whole number from 0 to 65535 (got "65536"); ' +
        '--parallel must be a whole number from 1 to 64 (got "0"); ' +
        '--threads must be a whole number from 1 to 256 (got "2x")',
    );
  });

  it.each([
    ['an unknown option', ['--model=m', '--bogus=1'], "Unknown option '--bogus'"],
    [
      'a stray word',
      ['--model=m', 'stray'],
      "Unexpected argument 'stray'. This command does not take positional arguments",
    ],
    ['an empty value', ['--model='], '--model must not be empty (got "")'],
    ['a negative seed', ['--model=m', '--seed=-1'], `--seed must be a whole number from 0 to ${maxSeed} (got "-1")`],
    [
      'a seed that means "by the clock"',
      ['--model=m', `--seed=${maxSeed + 1}`],
      `--seed must be a whole number from 0 to ${maxSeed} (got "4294967295")`,
    ],
  ])('refuses %s', (_, argv, message) => {
    expect(usageProblem(argv)).toBe(message);
  });
});
