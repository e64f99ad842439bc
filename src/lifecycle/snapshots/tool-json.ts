import { leadingNumber, toldText } from './gpu-state.ts';

/** An object of a tool's JSON; what is in it is not known. */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * The JSON that a tool printed. Null when there is none, or not a whole one: amd-smi and rocm-smi print
 * warnings before it, on the same stream.
 */
export function findJson(text: string): unknown {
  const end = Math.max(text.lastIndexOf('}'), text.lastIndexOf(']')) + 1;
  for (const { index } of text.matchAll(/^[[{]/gm)) {
    // A warning may begin with a bracket too.
    const value = parsed(text.slice(index, end));
    if (value !== null) return value;
  }
  return null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Whether a value is an object of JSON, not a list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What lies at a dotted path of keys; undefined where it leads nowhere. */
function at(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, key) => (isObject(inner) ? inner[key] : undefined), value);
}

/** The first number at one of the paths: bare, as text with or without a unit, or as `{value, unit}`; null for none. */
export function numberAt(value: unknown, ...paths: readonly string[]): number | null {
  return firstOf(paths, (path) => numberOf(at(value, path)));
}

/** The first text at one of the paths; null for none, and for `N/A`. */
export function textAt(value: unknown, ...paths: readonly string[]): string | null {
  return firstOf(paths, (path) => {
    const found = at(value, path);
    return typeof found === 'string' ? toldText(found) : null;
  });
}

function firstOf<Value>(paths: readonly string[], read: (path: string) => Value | null): Value | null {
  return paths.map(read).find((found) => found !== null) ?? null;
}

function numberOf(value: unknown): number | null {
  if (isObject(value)) return numberOf(value['value']);
  if (typeof value === 'string') return leadingNumber(value);
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
