import type { ArgsDef } from 'citty';
import { describe, expect, it } from 'vitest';
import { readOptions } from '../../../src/cli/arguments.ts';

const known = {
  set: { type: 'string' },
  cluster: { type: 'string' },
  configs: { type: 'string' },
  words: { type: 'string', alias: 't' },
  json: { type: 'boolean' },
  folder: { type: 'positional' },
} as const satisfies ArgsDef;

const read = (...args: string[]) => readOptions(args, known);

describe('readOptions', () => {
  it('keeps every value of an option, in order, whichever way it is written', () => {
    const options = read('--set', 'a=1', '--json', '--set=b=2', '-t', 'x y');
    expect(options.all('set')).toEqual(['a=1', 'b=2']);
    expect(options.one('words')).toBe('x y');
    expect(options.has('json')).toBe(true);
    expect(options.one('cluster')).toBeNull();
    expect(options.all('cluster')).toEqual([]);
    expect(read().has('json')).toBe(false);
  });

  it('takes a value that looks like an option only when it is tied to it', () => {
    expect(read('--words=-x').one('words')).toBe('-x');
    expect(read('--words', '-1').one('words')).toBe('-1');
    expect(() => read('--words', '--json')).toThrow('--words has no value');
    expect(() => read('--words')).toThrow('--words has no value');
  });

  it.each([
    [['--jsn'], 'there is no option --jsn', 'did you mean --json?'],
    [['-x'], 'there is no option -x', 'see --help'],
    [['a', 'b'], '"b" belongs to no option', expect.stringContaining('quotes')],
    [['a', 'configs/a.yaml'], '"configs/a.yaml" belongs to no option', 'did you mean --configs configs/a.yaml?'],
    [['--configs', 'a.yaml', 'b.yaml', 'c.yaml'], '"c.yaml" belongs to no option', expect.stringContaining('quotes')],
    [['--set', ''], '--set has no value', 'write --set=<value>, or leave it out'],
    [['--set='], '--set has no value', 'write --set=<value>, or leave it out'],
    [['-t', ' '], '-t has no value', 'write -t <value>, or leave it out'],
    [['--json=false'], '--json=false: this option takes no value', 'write --json, or leave it out'],
  ])('refuses %j', (args, message, hint) => {
    expect(() => read(...args)).toThrow(expect.objectContaining({ code: 'USAGE', message, hint }));
  });

  it('takes a word by its place', () => {
    expect(read('--json', 'runs', '--set', 'a=1').one('folder')).toBe('runs');
    expect(read('--json').one('folder')).toBeNull();
  });

  it.each([
    [['--reporter=json'], '--reporter', '--reporter=json'],
    [['--set', 'a=1', '--shard', '1/2', '--json'], '--shard', '--shard 1/2'],
    [['--json', '-w', '--shard=1/2'], '-w', '-w'],
    [['--project', 'my project'], '--project', "--project 'my project'"],
    [['--project=my project'], '--project', "--project='my project'"],
    [['-x', '-1'], '-x', '-x'],
  ])('lets the command advise on an option of %j that resembles none', (args, name, typed) => {
    expect(() => readOptions(args, known, (option) => `behind --: ${option}`)).toThrow(
      expect.objectContaining({ message: `there is no option ${name}`, hint: `behind --: ${typed}` }),
    );
  });

  it('refuses a second value where only one can count', () => {
    expect(() => read('--cluster', 'a', '--cluster', 'b').one('cluster')).toThrow('--cluster is given twice: a, b');
  });
});
