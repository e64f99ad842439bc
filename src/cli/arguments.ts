import { parseArgs } from 'node:util';
import type { ArgsDef } from 'citty';
import { AssayError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';

/**
 * Refuses options that a command does not have: citty lets them pass, and a
 * mistyped `--json` would silently print the wrong thing.
 *
 * @throws AssayError USAGE
 */
export function refuseUnknown(args: Readonly<Record<string, unknown>>, known: readonly string[]): void {
  const unknown = Object.keys(args).find((name) => name !== '_' && !known.includes(name));
  if (unknown !== undefined) throw unknownOption(`--${unknown}`, known);
}

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
 *
 * @throws AssayError USAGE for what the command does not take, and for an option without its value.
 */
export function readOptions(rawArgs: readonly string[], known: ArgsDef): Options {
  const values = new Map<string, string[]>();
  for (const { name, value } of tokensOf(rawArgs, known)) values.set(name, [...(values.get(name) ?? []), value]);
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

function tokensOf(rawArgs: readonly string[], known: ArgsDef): readonly Given[] {
  const names = namesOf(known);
  const options = Object.fromEntries([...names].map(([name, { type }]) => [name, { type, ...shortOf(name) }]));
  const { tokens } = parseArgs({ args: [...rawArgs], options, strict: false, allowPositionals: true, tokens: true });
  return tokens.flatMap((token) => {
    if (token.kind === 'option-terminator') return [];
    if (token.kind === 'positional') throw stray(token.value);
    const option = names.get(token.name);
    if (option === undefined) throw unknownOption(token.rawName, Object.keys(known));
    if (option.type === 'boolean') return [{ name: option.name, value: '' }];
    // `--set --json` sets nothing.
    if (token.value === undefined || (!token.inlineValue && token.value.startsWith('-'))) throw noValue(token.rawName);
    return [{ name: option.name, value: token.value }];
  });
}

interface KnownOption {
  readonly name: string;
  readonly type: 'string' | 'boolean';
}

/** The options by all their names. */
function namesOf(known: ArgsDef): ReadonlyMap<string, KnownOption> {
  return new Map(
    Object.entries(known).flatMap(([name, definition]) => {
      const option: KnownOption = { name, type: definition.type === 'boolean' ? 'boolean' : 'string' };
      const aliases = 'alias' in definition ? [definition.alias ?? []].flat() : [];
      return [name, ...aliases].map((one) => [one, option] as const);
    }),
  );
}

function shortOf(name: string): { readonly short?: string } {
  return name.length === 1 ? { short: name } : {};
}

function unknownOption(typed: string, known: readonly string[]): AssayError {
  const meant = nearest(typed.replace(/^-+/, ''), known);
  return new AssayError('USAGE', `there is no option ${typed}`, {
    hint: meant === null ? 'see --help' : `did you mean --${meant}?`,
  });
}

function noValue(typed: string): AssayError {
  return new AssayError('USAGE', `${typed} has no value`, { hint: `write ${typed}=<value>, or leave it out` });
}

// A shell that finds files for a glob makes many words of it.
function stray(word: string): AssayError {
  return new AssayError('USAGE', `"${word}" belongs to no option`, {
    hint: "put quotes around globs and around several words: --configs 'configs/*.yaml'",
  });
}
