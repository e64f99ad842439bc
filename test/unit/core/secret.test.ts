import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { serialize } from 'node:v8';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { AssayError } from '../../../src/core/errors.ts';
import { presentSecrets, readSecrets, SecretValue } from '../../../src/core/secret.ts';

const VALUE = 'hf_0123456789abcdef';
const SHOWN = '<SecretValue label=hf_token>';
const secret = new SecretValue('hf_token', VALUE);

describe('SecretValue', () => {
  it('reveals its value to whoever asks for it', () => {
    expect(secret.reveal()).toBe(VALUE);
  });

  it.each([
    ['a template string', () => `${secret as unknown as string}`],
    ['String()', () => String(secret)],
    ['a concatenation', () => '' + secret],
    ['inspect', () => inspect(secret)],
    ['inspect with everything shown', () => inspect(secret, { showHidden: true, getters: true, colors: true })],
    ['toPrimitive by default', () => [secret].join('')],
  ])('prints as its label in %s', (_where, print) => {
    expect(print()).toBe(SHOWN);
  });

  it.each([
    ['JSON', () => JSON.stringify({ deep: [{ secret }] }), true],
    ['nested inspect', () => inspect({ deep: { er: { still: [secret] } } }, { depth: Infinity, colors: true }), true],
    ['a map and a set', () => inspect([new Map([['key', secret]]), new Set([secret])], { depth: 5 }), true],
    ['a message of an error', () => inspect(new Error(`failed with ${String(secret)}`)), true],
    ['a cause of an error', () => inspect(new AssayError('SETUP_FAILED', 'no', { cause: secret })), true],
    ['a property of an error', () => inspect(Object.assign(new Error('no'), { secret }), { showHidden: true }), true],
    ['inspect without custom printers', () => inspect(secret, { customInspect: false, showHidden: true }), false],
    ['its keys, entries and a copy of it', () => inspect([Object.assign({}, secret), Object.entries(secret)]), false],
    ['a structured clone', () => inspect(structuredClone(secret), { showHidden: true }), false],
    ['serialized bytes', () => serialize(secret).toString('latin1'), false],
    ['a snapshot and a diff of vitest', () => assertionMessage(), true],
  ])('does not show its value in %s', (_where, print, isLabelShown) => {
    expect(print()).not.toContain(VALUE);
    expect(print().includes(SHOWN)).toBe(isLabelShown);
  });

  it('does not travel to a worker', () => {
    const { port1, port2 } = new MessageChannel();
    port1.postMessage({ secret });
    const received: unknown = receiveMessageOnPort(port2);
    port1.close();
    expect(received).toEqual({ message: { secret: {} } });
  });

  it('has no property that holds its value', () => {
    expect(Reflect.ownKeys(secret)).toEqual([]);
    expect('value' in secret || '#value' in secret).toBe(false);
    const held: readonly unknown[] = Reflect.ownKeys(SecretValue.prototype).map((key) => Reflect.get(secret, key));
    expect(held.every((property) => typeof property === 'function')).toBe(true);
  });
});

function assertionMessage(): string {
  try {
    expect({ secret, other: 1 }).toEqual({ secret: 'something else', other: 2 });
  } catch (thrown) {
    const { message, ...rest } = thrown as Error & Record<string, unknown>;
    return `${message} ${inspect(rest, { depth: 9 })}`;
  }
  return 'equal';
}

describe('the source', () => {
  const source = join(import.meta.dirname, '../../../src');
  const mentioning = (word: RegExp): readonly string[] =>
    readdirSync(source, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && word.test(readFileSync(join(source, path), 'utf8')))
      .sort();

  it('makes secrets plain in one file, for what starts processes', () => {
    expect(mentioning(/\breveal\b/)).toEqual(['core/secret.ts', 'exec/secret-env.ts']);
    expect(mentioning(/\brevealAll\b/).filter((path) => !path.startsWith('exec/'))).toEqual([]);
  });

  it('spells secrets out only for what takes them out of text', () => {
    expect(mentioning(/\bspellings\(\)|\bspellingsOf\b/)).toEqual([
      'core/scrubber.ts',
      'core/secret-spellings.ts',
      'core/secret.ts',
    ]);
  });
});

describe('readSecrets', () => {
  const declared = { hf_token: { env_var: 'HF_TOKEN' }, api_key: { env_var: 'API_KEY' } };

  it('answers every secret by its variable, as it is, with its label', () => {
    const secrets = readSecrets(declared, { HF_TOKEN: 'ab c\n', API_KEY: '1234', OTHER: 'x' });
    expect(Object.entries(secrets).map(([name, value]) => [name, String(value), value.reveal()])).toEqual([
      ['HF_TOKEN', SHOWN, 'ab c\n'],
      ['API_KEY', '<SecretValue label=api_key>', '1234'],
    ]);
    expect(readSecrets({}, {})).toEqual({});
  });

  it('names everything that is missing at once, and no value', () => {
    const four = { ...declared, blank: { env_var: 'BLANK' }, short: { env_var: 'SHORT' }, fine: { env_var: 'FINE' } };
    const environment = { API_KEY: '', BLANK: ' \n', SHORT: ' xyz\n', FINE: VALUE };
    const thrown = errorOf(() => readSecrets(four, environment));
    expect(thrown).toMatchObject({
      code: 'SETUP_FAILED',
      message:
        'secrets are missing from the environment: HF_TOKEN (secrets.hf_token) is not set; ' +
        'API_KEY (secrets.api_key) is empty; BLANK (secrets.blank) is empty; ' +
        'SHORT (secrets.short) is shorter than 4 characters',
    });
    expect(inspect(thrown, { showHidden: true })).not.toMatch(/xyz|hf_01/);
    expect(Object.keys(presentSecrets(four, environment))).toEqual(['FINE']);
  });
});

function errorOf(act: () => unknown): unknown {
  try {
    return act();
  } catch (thrown) {
    return thrown;
  }
}
