import fc from 'fast-check';

type Path = readonly (string | number)[];

/** Values of every type, and those on both sides of the bounds that schemas have. */
export const VALUES: readonly unknown[] = [
  [-1, 0, 0.5, 1, 1.5, 2, 4, 5, 64, 100, 101, 65_535, 65_536, 2 ** 53 - 1, 2 ** 53, 1e21],
  ['', ' ', 'x', 'a b', '8', '-x', '30s', '1.5h', '30 s', 'auto', 'inf', 'last_quarter', 'mi300x', '/dev/kfd'],
  ['/a:/b', 'a'.repeat(64), `sha256:${'a'.repeat(64)}`, 'run.sh', 'localhost', 'user@n1:22', 'fp8', '<='],
  [true, false, null, [], {}, [1], ['x'], ['x', 'x'], [[1]], [{}], [{ name: 'x' }], [null], { x: 1 }, { x: {} }],
  [{ last_steps: 2 }, { count: 1 }, { roles: {} }, { id: 'x' }, { image: 'x' }, [{ isl: 8, osl: 8 }]],
].flat();

const STRANGE_KEYS = [
  'x',
  'a b',
  '9lives',
  'name',
  'topology',
  'HF_TOKEN',
  'api_key',
  'TOKENIZERS',
  '--port',
  'no-port',
];

/** Copies of valid documents with up to three mistakes (or harmless changes) at any depth; `names` are keys to use. */
export function mutantsOf(documents: readonly unknown[], names: readonly string[]): fc.Arbitrary<unknown> {
  const key = fc.constantFrom(...STRANGE_KEYS, ...names);
  const change = fc.record({
    at: fc.nat(),
    how: fc.constantFrom('delete', 'rename', 'replace', 'replace', 'add', 'move', 'repeat'),
    key,
    value: fc.constantFrom(...VALUES),
    from: fc.nat(),
  });
  return fc
    .tuple(fc.constantFrom(...documents), fc.array(change, { minLength: 1, maxLength: 3 }))
    .map(([document, changes]) => changes.reduce<unknown>(applyChange, document));
}

interface Change {
  readonly at: number;
  readonly how: string;
  readonly key: string;
  readonly value: unknown;
  /** Where `move` takes its value. */
  readonly from: number;
}

function applyChange(document: unknown, { at, how, key, value, from }: Change): unknown {
  const paths = pathsOf(document);
  const path = pick(paths, at);
  const target = valueAt(document, path);
  switch (how) {
    case 'delete':
      return path.length === 0 ? document : removeAt(document, path);
    case 'rename':
      return typeof path.at(-1) === 'string'
        ? setAt(removeAt(document, path), [...path.slice(0, -1), key], target)
        : document;
    case 'add':
      return isMapping(target) ? setAt(document, [...path, key], value) : document;
    case 'move':
      return setAt(document, path, valueAt(document, pick(paths, from)));
    case 'repeat':
      return Array.isArray(target) && target.length > 0 ? setAt(document, path, [...target, target[0]]) : document;
    default:
      return setAt(document, path, value);
  }
}

/** The path of every value in a document, its own first. */
export function pathsOf(document: unknown): readonly Path[] {
  if (typeof document !== 'object' || document === null) return [[]];
  const entries: readonly [string | number, unknown][] = Array.isArray(document)
    ? [...document.entries()]
    : Object.entries(document);
  return [[], ...entries.flatMap(([step, value]) => pathsOf(value).map((path) => [step, ...path]))];
}

/** What stands at a path. */
export function valueAt(document: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, step) => (value as Record<string | number, unknown>)[step], document);
}

/** The document with another value at a path. */
export function setAt(document: unknown, [step, ...rest]: Path, value: unknown): unknown {
  if (step === undefined) return value;
  const inner = setAt((document as Record<string | number, unknown>)[step], rest, value);
  return Array.isArray(document)
    ? document.toSpliced(Number(step), 1, inner)
    : { ...(document as object), [step]: inner };
}

function removeAt(document: unknown, path: Path): unknown {
  const last = path.at(-1) ?? '';
  const parent = valueAt(document, path.slice(0, -1));
  const without = Array.isArray(parent)
    ? parent.toSpliced(Number(last), 1)
    : Object.fromEntries(Object.entries(parent as object).filter(([name]) => name !== last));
  return setAt(document, path.slice(0, -1), without);
}

function isMapping(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function pick<T>(items: readonly T[], index: number): T {
  return items[index % items.length] as T;
}
