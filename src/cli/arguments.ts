import { parseArgs } from 'node:util';
import type { ArgsDef } from 'citty';
import { AssayError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { shellWord } from '../exec/shell-quote.ts';

/** The options of one command line, by their full name. */
export interface Options {
  /** Every value of an option, in order. */
  all(name: string): readonly string[];
  /** The value of an option that is given once at most; null when it is not given. */
  one(name: string): string | null;
  has(name: string): boolean;
}

/**
 * Reads options of which some may be given several times: citty keeps only the last of each.
 * `advise` says the next step for an option that resembles none of the known, given as it was typed, with its value.
 *
 * @throws AssayError USAGE for what the command does not take, for an option without its value, and for a flag with one.
 */
export function readOptions(rawArgs: readonly string[], known: ArgsDef, advise: Advise = seeHelp): Options {
  const values = new Map<string, string[]>();
  for (const { name, value } of tokensOf(rawArgs, known, advise))
    values.set(name, [...(values.get(name) ?? []), value]);
  const all = (name: string): readonly string[] => values.get(name) ?? [];
  return {
    all,
    one: (name) => {
      const [first = null, second] = all(name);
      if (second === undefined) return first;
      throw new AssayError('USAGE', `--${name} is given twice: ${all(name).join(', ')}`, { hint: 'give it once' });
    },
    has: (name) => values.has(name),
  };
}

interface Given {
  readonly name: string;
  readonly value: string;
}

function tokensOf(rawArgs: readonly string[], known: ArgsDef, advise: Advise): readonly Given[] {
  const names = namesOf(known);
  const options = Object.fromEntries([...names].map(([name, { type }]) => [name, { type, ...shortOf(name) }]));
  const { tokens } = parseArgs({ args: [...rawArgs], options, strict: false, allowPositionals: true, tokens: true });
  const places = Object.keys(known).filter((name) => known[name]?.type === 'positional');
  const namesConfigs = tokens.some((token) => token.kind === 'option' && /^configs?$/.test(token.name));
  return tokens.flatMap((token) => {
    if (token.kind === 'option-terminator') return [];
    if (token.kind === 'positional') {
      const name = places.shift();
      if (name === undefined) throw stray(token.value, known, namesConfigs);
      return [{ name, value: token.value }];
    }
    const option = names.get(token.name);
    if (option === undefined) throw unknownOption(token, [...names.keys()], () => advise(asTyped(token, rawArgs)));
    return [{ name: option.name, value: valueOf(token, option) }];
  });
}

type Advise = (typed: string) => string;

function seeHelp(): string {
  return 'see --help';
}

interface OptionToken {
  /** Of the word that it is in, which may be that of several short options. */
  readonly index: number;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function valueOf({ rawName, value, inlineValue }: OptionToken, { type }: KnownOption): string {
  if (type === 'boolean') {
    if (value === undefined) return '';
    throw new AssayError('USAGE', `${rawName}=${value}: this option takes no value`, {
      hint: `write ${rawName}, or leave it out`,
    });
  }
  // `--set --json` sets nothing, and neither does a shell variable that is not set.
  // A number below 0 is a value, if a wrong one.
  const isOption = inlineValue !== true && /^-(?!\d)/.test(value ?? '');
  if (value === undefined || value.trim() === '' || isOption) throw noValue(rawName);
  return value;
}

interface KnownOption {
  readonly name: string;
  readonly type: 'string' | 'boolean';
}

/** The options by all their names. */
function namesOf(known: ArgsDef): ReadonlyMap<string, KnownOption> {
  return new Map(
    Object.entries(known).flatMap(([name, definition]) => {
      if (definition.type === 'positional') return [];
      const option: KnownOption = { name, type: definition.type === 'boolean' ? 'boolean' : 'string' };
      const aliases = 'alias' in definition ? [definition.alias ?? []].flat() : [];
      return [name, ...aliases].map((one) => [one, option] as const);
    }),
  );
}

function shortOf(name: string): { readonly short?: string } {
  return name.length === 1 ? { short: name } : {};
}

function unknownOption({ rawName }: OptionToken, known: readonly string[], advice: () => string): AssayError {
  const meant = nearest(
    rawName.replace(/^-+/, ''),
    known.filter((name) => name.length > 1),
  );
  return new AssayError('USAGE', `there is no option ${rawName}`, {
    hint: meant === null ? advice() : `did you mean --${meant}?`,
  });
}

/** An option and the word behind it, if that is none: whether it takes a value, only its program knows. */
function asTyped({ index }: OptionToken, rawArgs: readonly string[]): string {
  const [option = '', value = '-'] = rawArgs.slice(index);
  const words = value.startsWith('-') ? [option] : [option, value];
  return words.map((word) => word.split('=').map(shellWord).join('=')).join(' ');
}

/** An option that is there and says nothing. */
export function noValue(typed: string): AssayError {
  return new AssayError('USAGE', `${typed} has no value`, {
    hint: `write ${typed}${typed.startsWith('--') ? '=' : ' '}<value>, or leave it out`,
  });
}

// A shell that finds files for a glob makes many words of it, the first of which is the value of the option.
function stray(word: string, known: ArgsDef, namesConfigs: boolean): AssayError {
  const takesConfigs = 'configs' in known;
  const isConfig = takesConfigs && !namesConfigs && /\.(?:ya?ml|json)$/.test(word);
  const example = takesConfigs ? ": --configs 'configs/*.yaml'" : '';
  return new AssayError('USAGE', `"${word}" belongs to no option`, {
    hint: isConfig ? `did you mean --configs ${word}?` : `put quotes around globs and around several words${example}`,
  });
}
