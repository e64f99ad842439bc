/**
 * JSON with sorted keys and no blanks: equal data gives equal text whatever the
 * order in which it was written. Fields that are undefined are left out, as in
 * JSON.stringify. Objects whose text is known are not written again.
 *
 * @throws TypeError for a non-finite number: it would silently become null.
 */
export function canonicalJson(value: unknown, known: KnownTexts = NONE_KNOWN): string {
  return write(value, known) ?? 'null';
}

/** The canonical JSON of objects that many values have in common, and that nobody changes. */
export type KnownTexts = Pick<WeakMap<object, string>, 'get'>;

const NONE_KNOWN: KnownTexts = { get: () => undefined };

/** The text of a value; undefined for what JSON leaves out. */
function write(value: unknown, known: KnownTexts): string | undefined {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new TypeError(`${value} has no JSON form`);
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return known.get(value) ?? (Array.isArray(value) ? writeItems(value, known) : writeFields(value, known));
}

function writeItems(items: readonly unknown[], known: KnownTexts): string {
  return `[${items.map((item) => write(item, known) ?? 'null').join()}]`;
}

function writeFields(value: object, known: KnownTexts): string {
  const fields: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const text = write((value as Readonly<Record<string, unknown>>)[key], known);
    if (text !== undefined) fields.push(`${JSON.stringify(key)}:${text}`);
  }
  return `{${fields.join()}}`;
}
