import { AssayError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { wildcard } from '../core/wildcard.ts';

/** Whether a set of tags satisfies a filter. */
export type TagFilter = (tags: ReadonlySet<string>) => boolean;

/**
 * Parses Vitest's own tag expressions (`and`/`&&`, `or`/`||`, `not`/`!`, brackets,
 * `*` in a name; not binds before and, and before or). Several expressions are
 * ANDed. We parse them first because Vitest hangs on a lone `&` and reports an
 * unknown tag once per file.
 *
 * @throws AssayError SELECTION_INVALID with the expression and the place.
 */
export function parseTagFilter(expressions: readonly string[], known: Iterable<string>): TagFilter {
  const tags = [...known];
  const filters = expressions.map((expression) => new Parser(expression, tags).parse());
  return (set) => filters.every((filter) => filter(set));
}

interface Token {
  readonly text: string;
  readonly at: number;
}

const TOKEN = /\s*(&&|\|\||[()!&|]|[^\s()!&|]+)/gy;

class Parser {
  readonly #expression: string;
  readonly #known: readonly string[];
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(expression: string, known: readonly string[]) {
    this.#expression = expression;
    this.#known = known;
    this.#tokens = [...expression.trimEnd().matchAll(TOKEN)].map((match) => ({
      text: match[1] ?? '',
      at: match.index + match[0].length - (match[1] ?? '').length,
    }));
  }

  parse(): TagFilter {
    const filter = this.#or();
    const rest = this.#peek();
    if (rest !== undefined) throw this.#unexpected(rest);
    return filter;
  }

  #or(): TagFilter {
    let left = this.#and();
    while (this.#take('or', '||')) {
      const [first, second] = [left, this.#and()];
      left = (tags) => first(tags) || second(tags);
    }
    return left;
  }

  #and(): TagFilter {
    let left = this.#not();
    while (this.#take('and', '&&')) {
      const [first, second] = [left, this.#not()];
      left = (tags) => first(tags) && second(tags);
    }
    return left;
  }

  #not(): TagFilter {
    const negation = this.#peek();
    if (!this.#take('not', '!')) return this.#atom();
    const next = this.#peek();
    // Vitest takes `not(` for the start of a tag.
    if (next?.text === '(' && negation?.text.length === 3 && next.at === negation.at + 3) {
      throw this.#mistake(`has no blank between "${negation.text}" and "("`, `write "${negation.text} ("`);
    }
    const inner = this.#not();
    return (tags) => !inner(tags);
  }

  #atom(): TagFilter {
    const token = this.#tokens[this.#next++];
    if (token === undefined) throw this.#mistake('ends too early', 'add a tag');
    if (token.text === '(') {
      const inner = this.#or();
      if (!this.#take(')')) throw this.#mistake(`has a "(" at ${token.at + 1} that is never closed`, 'add a ")"');
      return inner;
    }
    if (/^(?:and|or|not|[()!&|]+)$/i.test(token.text)) throw this.#unexpected(token);
    return this.#tag(token.text);
  }

  #tag(name: string): TagFilter {
    const pattern = wildcard(name);
    const matching = new Set(this.#known.filter((tag) => pattern.test(tag)));
    if (matching.size === 0) {
      const meant = nearest(name, this.#known);
      throw this.#mistake(
        `names "${name}", which no claim carries`,
        meant === null ? 'see `vitest --list-tags`' : `did you mean \`${meant}\`?`,
      );
    }
    return (tags) => matching.size > 0 && [...tags].some((tag) => matching.has(tag));
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  #take(...words: readonly string[]): boolean {
    const isNext = words.includes(this.#peek()?.text.toLowerCase() ?? '');
    if (isNext) this.#next += 1;
    return isNext;
  }

  #unexpected({ text, at }: Token): AssayError {
    const hint = /^[&|]$/.test(text) ? `write "${text}${text}"` : 'join tags with "and", "or", "not"';
    return this.#mistake(`has an unexpected "${text}" at ${at + 1}`, hint);
  }

  #mistake(what: string, hint: string): AssayError {
    return new AssayError('SELECTION_INVALID', `the tag filter "${this.#expression}" ${what}`, { hint });
  }
}
