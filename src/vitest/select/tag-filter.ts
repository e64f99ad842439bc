import { parseTags } from './tag-parser.ts';

/** What a tag filter asks for, as plain data. */
export type TagExpression =
  | NamedTag
  | { readonly kind: 'not'; readonly operand: TagExpression }
  | { readonly kind: 'and' | 'or'; readonly operands: readonly TagExpression[] };

/** A tag by name, or all tags that a `*` in the name stands for. */
export interface NamedTag {
  readonly kind: 'tag';
  readonly name: string;
  /** The known tags that it names. */
  readonly matching: ReadonlySet<string>;
}

/** The conditions of a tag filter: all must hold. */
export type TagFilter = readonly TagExpression[];

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
  return expressions.flatMap((text) => {
    const expression = parseTags(text, tags);
    return expression.kind === 'and' ? expression.operands : [expression];
  });
}

/** Whether an expression holds for what carries some tags. */
export function holdsFor(expression: TagExpression, carries: (tag: NamedTag) => boolean): boolean {
  switch (expression.kind) {
    case 'tag':
      return carries(expression);
    case 'not':
      return !holdsFor(expression.operand, carries);
    case 'and':
      return expression.operands.every((operand) => holdsFor(operand, carries));
    case 'or':
      return expression.operands.some((operand) => holdsFor(operand, carries));
  }
}

/** Every tag that an expression names. */
export function namedTags(expression: TagExpression): readonly NamedTag[] {
  if (expression.kind === 'tag') return [expression];
  return (expression.kind === 'not' ? [expression.operand] : expression.operands).flatMap(namedTags);
}

/** An expression as it is typed behind `--tags-filter`. */
export function formatTags(expression: TagExpression): string {
  switch (expression.kind) {
    case 'tag':
      return expression.name;
    case 'not':
      return `not ${formatOperand(expression.operand)}`;
    case 'and':
    case 'or':
      return expression.operands.map(formatOperand).join(` ${expression.kind} `);
  }
}

/** Several conditions as one expression. */
export function formatTagFilter(filter: TagFilter): string {
  const [only] = filter;
  return filter.length === 1 && only !== undefined ? formatTags(only) : formatTags({ kind: 'and', operands: filter });
}

function formatOperand(operand: TagExpression): string {
  return operand.kind === 'and' || operand.kind === 'or' ? `(${formatTags(operand)})` : formatTags(operand);
}
