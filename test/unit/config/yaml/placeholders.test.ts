import { describe, expect, it } from 'vitest';
import { resolvePlaceholders } from '../../../../src/config/yaml/placeholders.ts';
import { formatProblem } from '../../../../src/config/yaml/problem.ts';
import { parseYaml } from '../../../../src/config/yaml/yaml-source.ts';

const ENV = {
  COUNT: '8',
  HOME_DIR: '/home/me',
  FLAG: ' true ',
  ID: '0x10',
  FLOW: '[1, 2]',
  EMPTY: ' ',
  LINES: 'a\nb',
  HUGE: '99999999999999999999',
  ENDLESS: '.inf',
  UNDEFINED: undefined,
  HF_TOKEN: 'hf_secret',
};

/** What a document becomes, and every sentence about its placeholders. */
const resolve = (text: string, env: Readonly<Record<string, string | undefined>> = ENV) => {
  const { source, problems } = parseYaml('f', text);
  expect(problems).toEqual([]);
  const resolved = resolvePlaceholders(source!, env);
  return { value: resolved.source.value, told: resolved.problems.map(formatProblem) };
};

describe('resolvePlaceholders', () => {
  it('reads the value of a variable as if it stood there unquoted', () => {
    const text =
      'n: ${env:COUNT}\nlist: ["${env:HOME_DIR}", {flag: "${env:FLAG}"}]\nid: ${env:ID}\nflow: ${env:FLOW}\n';
    expect(resolve(text)).toEqual({
      value: { n: 8, list: ['/home/me', { flag: true }], id: 16, flow: '[1, 2]' },
      told: [],
    });
  });

  it('keeps the places of the document, and leaves what it was given alone', () => {
    const { source } = parseYaml('f', 'a: 1\nb: ${env:COUNT}\n');
    const resolved = resolvePlaceholders(source!, ENV).source;
    expect(resolved.locate(['b'])).toEqual({ file: 'f', line: 2, column: 1, path: 'b (from COUNT)' });
    expect([source!.value, resolved.value]).toEqual([
      { a: 1, b: '${env:COUNT}' },
      { a: 1, b: 8 },
    ]);
  });

  it.each([
    ['${env:NOWHERE}', 'NOWHERE is not set in the environment - export NOWHERE=..., or write the value'],
    ['${env:UNDEFINED}', 'UNDEFINED is not set in the environment - export UNDEFINED=..., or write the value'],
    ['${env:constructor}', 'constructor is not set in the environment - export constructor=..., or write the value'],
    [
      '${env:HOME_DI}',
      'HOME_DI is not set in the environment - export HOME_DI=..., or write the value; did you mean ${env:HOME_DIR}?',
    ],
    [
      '${env:count}',
      'count is not set in the environment - export count=..., or write the value; did you mean ${env:COUNT}?',
    ],
    ['${env:HOMEDIRS}', 'HOMEDIRS is not set in the environment - export HOMEDIRS=..., or write the value'],
    ['${env:HF_TOKE}', 'HF_TOKE is not set in the environment - export HF_TOKE=..., or write the value'],
    ['${env:EMPTY}', 'EMPTY is empty in the environment - export EMPTY=..., or write the value'],
    ['${env:LINES}', 'LINES has several lines in the environment - a value has one: export one line'],
    ['${env:HUGE}', 'HUGE is a number in the environment that no number can hold - export a finite number below 2^53'],
    [
      '${env:ENDLESS}',
      'ENDLESS is a number in the environment that no number can hold - export a finite number below 2^53',
    ],
    [
      '${env:HF_TOKEN}',
      'the value of HF_TOKEN would end up in manifests and hashes - declare it under `secrets:` instead: `hf_token: {kind: SecretValue, source: env, env_var: HF_TOKEN}`',
    ],
    [
      '${env:HOME_DIR}/models',
      '"${env:HOME_DIR}/models" has a placeholder inside a longer text - export the whole text as one variable, and write nothing but ${env:ITS_NAME}',
    ],
    ['${env:a-b}', '"${env:a-b}" names no environment variable - write ${env:NAME}, with letters, digits and "_"'],
    ['<changeme>', '"<changeme>" is still to be filled in - write your value instead of <changeme>'],
    [
      '/mnt/<changeme-models-mount>/x',
      '"/mnt/<changeme-models-mount>/x" is still to be filled in - write your value instead of <changeme-models-mount>',
    ],
    ['<CHANGEME', '"<CHANGEME" is still to be filled in - write your value instead of <CHANGEME'],
    ['/home/{user-id}/x', 'nothing fills in {user-id} - write the value itself'],
    ['${HOME}', 'nothing fills in ${HOME} - write ${env:HOME}'],
    ['${HOME}/x', 'nothing fills in ${HOME} - write the value itself'],
    ['{{ user }}', 'nothing fills in {{ user }} - write the value itself'],
  ])('refuses %s, says what to write, and shows no value of the environment', (written, told) => {
    const result = resolve(`a:\n  - "${written}"\n`);
    expect(result).toEqual({ value: { a: [written] }, told: [`f:2:6 a[0]: ${told}`] });
    for (const value of Object.values(ENV)) {
      if (value !== undefined && value.length > 3) expect(told).not.toContain(value);
    }
  });

  it('finds placeholders among the names of fields, and every one of several', () => {
    expect(resolve('<changeme>: 1\n"${env:COUNT}": <changeme>\n').told).toEqual([
      'f:1:1 <changeme>: is still to be filled in - write the name of the field',
      'f:2:2 ["${env:COUNT}"]: a placeholder cannot be the name of a field - write the name of the field',
      'f:2:2 ["${env:COUNT}"]: "<changeme>" is still to be filled in - write your value instead of <changeme>',
    ]);
  });

  it('shows no text behind the name of a secret', () => {
    expect(resolve('API_KEY: "sk-1234${env:COUNT}"\nPASSWORD: hunter2<changeme>\n').told).toEqual([
      'f:1:1 API_KEY: this text has a placeholder inside a longer text - export the whole text as one variable, and write nothing but ${env:ITS_NAME}',
      'f:2:1 PASSWORD: this text is still to be filled in - write your value instead of <changeme>',
    ]);
  });

  it('leaves braces alone that fill in nothing', () => {
    const value = { json: '{"a": 1}', regex: 'a{2,3}', empty: '{}', op: '<=', text: 'a < b', tokens: 'MAX_TOKENS' };
    expect(resolve(JSON.stringify(value))).toEqual({ value, told: [] });
    expect(resolve('a: ${env:MAX_TOKENS}\n', { MAX_TOKENS: '16' }).value).toEqual({ a: 16 });
  });
});
