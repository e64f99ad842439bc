import { AssayError } from '../../core/errors.ts';
import { wildcard } from '../../core/wildcard.ts';
import { didYouMean } from './near-words.ts';
import type { NamedTag, TagExpression } from './tag-filter.ts';

/**
 * Parses one tag expression by the grammar of Vitest, blank by blank.
 *
 * @throws AssayError SELECTION_INVALID with the expression and the place: of a
 *   mistake in the grammar, else of the first name that is no tag.
 */
export function parseTags(text: string, known: readonly string[]): TagExpression {
  return new Parser(text, known).parse();
}

interface Token {
  readonly kind: 'and' | 'or' | 'not' | '(' | ')' | 'lone' | 'tag';
  readonly text: string;
  readonly at: number;
}

// To Vitest a keyword is one only with a blank behind it (or a bracket that closes, or the end); `not(` begins a name.
const TOKEN =
  /[ \t]*(?:(?<and>&&|and(?=\s|\)|$))|(?<or>\|\||or(?=\s|\)|$))|(?<not>!|not(?=\s|$))|(?<open>\()|(?<close>\))|(?<lone>[&|])|(?<tag>[^ \t()!&|]+))/giy;

function tokensOf(expression: string): readonly Token[] {
  return [...expression.matchAll(TOKEN)].map(({ 0: whole, index, groups = {} }) => {
    const text = whole.replace(/^[ \t]+/, '');
    const at = index + whole.length - text.length;
    const [group = 'tag'] = Object.keys(groups).filter((name) => groups[name] !== undefined);
    const kind = { open: '(', close: ')' }[group] ?? group;
    return { kind: kind as Token['kind'], text, at };
  });
}

class Parser {
  readonly #expression: string;
  readonly #known: readonly string[];
  readonly #tokens: readonly Token[];
  readonly #unknown: Token[] = [];
  #next = 0;

  constructor(expression: string, known: readonly string[]) {
    this.#expression = expression;
    this.#known = known;
    this.#tokens = tokensOf(expression);
  }

  parse(): TagExpression {
    const expression = this.#either();
    const rest = this.#tokens[this.#next];
    if (rest !== undefined) throw this.#unexpected(rest);
    const [unknown] = this.#unknown;
    if (unknown !== undefined) throw this.#nothingCarries(unknown);
    return expression;
  }

  #either(): TagExpression {
    return this.#joined('or', () => this.#joined('and', () => this.#negated()));
  }

  #joined(kind: 'and' | 'or', operand: () => TagExpression): TagExpression {
    const first = operand();
    const operands = [first];
    while (this.#take(kind)) operands.push(operand());
    if (operands.length === 1) return first;
    // `(a and b) and c` asks for no more than `a and b and c`.
    return { kind, operands: operands.flatMap((one) => (one.kind === kind ? one.operands : [one])) };
  }

  #negated(): TagExpression {
    return this.#take('not') ? { kind: 'not', operand: this.#negated() } : this.#single();
  }

  #single(): TagExpression {
    const token = this.#tokens[this.#next++];
    if (token === undefined) throw this.#mistake('ends too early', 'add a tag');
    if (token.kind === 'tag' && !isKeyword(token)) return this.#tag(token);
    if (token.kind !== '(') throw this.#unexpected(token);
    const inner = this.#either();
    const next = this.#tokens[this.#next];
    if (next !== undefined && next.kind !== ')') throw this.#unexpected(next);
    if (next === undefined) throw this.#mistake(`has a "(" at ${token.at + 1} that is never closed`, 'add a ")"');
    this.#next += 1;
    return inner;
  }

  #tag(token: Token): NamedTag {
    const { text: name } = token;
    const pattern = wildcard(name);
    const matching = new Set(this.#known.filter((tag) => (name.includes('*') ? pattern.test(tag) : tag === name)));
    if (matching.size === 0) this.#unknown.push(token);
    return { kind: 'tag', name, matching };
  }

  #take(kind: Token['kind']): boolean {
    const isNext = this.#tokens[this.#next]?.kind === kind;
    if (isNext) this.#next += 1;
    return isNext;
  }

  #nothingCarries({ text, at }: Token): AssayError {
    if (/\s/.test(text)) return this.#mistake(`has a line break near ${at + 1}`, 'write a blank for it');
    const what = `names "${text}"${this.#tokens.length > 1 ? ` at ${at + 1}` : ''}, which no claim carries`;
    const beginning = this.#known.filter((tag) => tag.startsWith(text));
    const hint =
      beginning.length > 1
        ? `write \`${text}*\` for the ${beginning.length} tags that begin so`
        : didYouMean(text.replaceAll('*', ''), this.#known);
    return this.#mistake(what, hint ?? 'see `vitest --list-tags`');
  }

  #unexpected(token: Token): AssayError {
    const { text, at } = token;
    const next = this.#tokens.find((other) => other.at === at + text.length);
    if (isKeyword(token) && (next?.text === '(' || next?.text === '!')) {
      return this.#mistake(
        `has no blank between "${text}" and "${next.text}" at ${at + 1}`,
        `write "${text} ${next.text}"`,
      );
    }
    const hint = token.kind === 'lone' ? `write "${text}${text}"` : 'join tags with "and", "or", "not"';
    return this.#mistake(`has an unexpected "${text}" at ${at + 1}`, hint);
  }

  #mistake(what: string, hint: string): AssayError {
    return new AssayError('SELECTION_INVALID', `the tag filter "${this.#expression}" ${what}`, { hint });
  }
}

/** A keyword that stands where Vitest takes it for a name. */
function isKeyword({ kind, text }: Token): boolean {
  return kind === 'tag' && /^(?:and|or|not)$/i.test(text);
}
