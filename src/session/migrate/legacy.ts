import { readFileSync } from 'node:fs';
import { AssayError } from '../../core/errors.ts';
import { soundsSecret } from '../../config/schema/secrets.ts';
import { formatProblem } from '../../config/yaml/problem.ts';
import { parseYaml } from '../../config/yaml/yaml-source.ts';
import { breakIn, parseJson, placeIn, snippetAt } from '../../adapters/shared/results/json-text.ts';

/** Where a value stands in a legacy file. */
export type JsonPath = readonly (string | number)[];

/** The fields of a JSON object. */
export type Fields = Readonly<Record<string, unknown>>;

/** A value of a legacy file, and where it stands. */
interface Leaf {
  readonly path: JsonPath;
  readonly value: unknown;
}

/** A legacy file that knows which of its values were read: what nobody read must be reported. */
export class Legacy {
  /** From the working directory. */
  readonly file: string;
  readonly value: Fields;
  readonly #taken = new Set<string>();

  constructor(file: string, value: Fields) {
    this.file = file;
    this.value = value;
  }

  /** The value at a path; undefined where there is none. */
  at(path: JsonPath): unknown {
    return path.reduce<unknown>((value, step) => childOf(value, step), this.value);
  }

  /** The value at a path, which is dealt with from now on, with all that is in it. */
  take(path: JsonPath): unknown {
    const value = this.at(path);
    if (value !== undefined) this.#taken.add(JSON.stringify(path));
    return value;
  }

  /** The fields of an object, without its comments; none where there is no object. */
  fields(path: JsonPath): readonly (readonly [name: string, value: unknown])[] {
    return Object.entries(fieldsOf(this.at(path))).filter(([name]) => !isComment(name));
  }

  /** The values below a path that nobody took, in file order. */
  leftovers(path: JsonPath = []): readonly Leaf[] {
    if (this.#taken.has(JSON.stringify(path))) return [];
    const value = this.at(path);
    if (!isParent(value) || Object.keys(value).length === 0) return value === undefined ? [] : [{ path, value }];
    const steps = Array.isArray(value) ? value.map((_, index) => index) : Object.keys(value);
    const rest = steps.flatMap((step) => this.leftovers([...path, step]));
    const isWhole = path.length > 1 && rest.length === steps.length && rest.length > 1;
    // A list, or a small object, that nobody took any part of is one value.
    return isWhole && rest.every((leaf) => !isParent(leaf.value) && !leaf.path.some(isComment))
      ? [{ path, value }]
      : rest;
  }
}

function childOf(value: unknown, step: string | number): unknown {
  if (!isParent(value) || !Object.hasOwn(value, step)) return undefined;
  return (value as Fields)[step];
}

function isParent(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** A value as the object that it is; empty for any other. */
export function fieldsOf(value: unknown): Fields {
  return isParent(value) && !Array.isArray(value) ? (value as Fields) : {};
}

/** A value of a legacy file as text; empty where there is none. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined ? '' : JSON.stringify(value);
}

/** Whether a key is a comment: `_comment`, `_example_nnodes`, `__image`, `_calculation`. */
export function isComment(key: string | number): boolean {
  return typeof key === 'string' && key.startsWith('_');
}

/** A path as people write it: `config.container_config.device_list[0]`. */
export function printPath(path: JsonPath): string {
  const steps = path.map((step) => {
    if (typeof step === 'number') return `[${step}]`;
    return /^[\w-]+$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
  });
  return steps.join('').replace(/^\./, '');
}

const HIDDEN = '(not shown)';

/** A value as a report may have it: never one that sounds like a secret. A path to a secret is none. */
export function showable(path: JsonPath, value: unknown): unknown {
  const isSecret = path.some(
    (step) => typeof step === 'string' && soundsSecret(step) && !/(file|path|dir)$/i.test(step),
  );
  return isSecret ? HIDDEN : value;
}

/**
 * Reads a legacy file: JSON, or the same in YAML.
 *
 * @throws AssayError PARSE_FAILED with the place of what is wrong
 */
export function readLegacy(file: string, absolute: string): Legacy {
  const text = readFileSync(absolute, 'utf8').replace(/^\uFEFF/, '');
  const value = /\.ya?ml$/.test(file) ? readYaml(file, text) : readJson(file, text);
  if (isParent(value) && !Array.isArray(value)) return new Legacy(file, value as Fields);
  throw new AssayError('PARSE_FAILED', `${file}:1:1 is no object, and every legacy config is one`, {
    hint: 'name the config itself',
  });
}

function readJson(file: string, text: string): unknown {
  const read = parseJson(text);
  if (read.state === 'read') return read.value;
  const at = read.isCutShort ? text.length : breakIn(text, read.reason);
  const what = read.isCutShort ? 'ends in the middle of its JSON' : 'is no JSON';
  throw new AssayError('PARSE_FAILED', `${placeIn(file, text, at)} ${what}: ${snippetAt(text, at)}`, {
    hint: read.isCutShort ? 'copy the file again, whole' : 'mend it there; JSON has no comments and no trailing commas',
  });
}

function readYaml(file: string, text: string): unknown {
  const { source, problems } = parseYaml(file, text);
  const [problem] = problems;
  if (source !== null && problem === undefined) return source.value;
  throw new AssayError('PARSE_FAILED', problem === undefined ? `${file}:1:1 is empty` : formatProblem(problem), {
    hint: 'mend it there, or leave the file out',
  });
}
