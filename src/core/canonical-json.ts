/**
 * JSON with sorted keys and no blanks: equal data gives equal text whatever the
 * order in which it was written. Fields that are undefined are left out, as in
 * JSON.stringify.
 *
 * @throws TypeError for a non-finite number: it would silently become null.
 */
export function canonicalJson(value: unknown): string {
  return write(value) ?? 'null';
}

/** The text of a value; undefined for what JSON leaves out. */
function write(value: unknown): string | undefined {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new TypeError(`${value} has no JSON form`);
  }
  if (Array.isArray(value)) return `[${value.map((item) => write(item) ?? 'null').join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const text = write((value as Readonly<Record<string, unknown>>)[key]);
    if (text !== undefined) fields.push(`${JSON.stringify(key)}:${text}`);
  }
  return `{${fields.join()}}`;
}
