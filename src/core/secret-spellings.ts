/** The shortest line of a secret with several lines that is a secret by itself; shorter ones occur in any log. */
const SECRET_LINE_LENGTH = 8;

/** The fewest digits by which a secret is told inside a longer base64 text. */
const SHORTEST_INSIDE = 8;

/**
 * The ways in which a text may show this value that are looked for: as it is, in quotes of some
 * language, in a URL, in a shell line, in markup, in base64, by itself and as a part of what was encoded,
 * and in hex; of several lines each long one too, since logs come by line. White space around it is no part
 * of it. Not among them: a part of it, other letter case, and other encodings of a longer text that it stands in.
 */
export function spellingsOf(value: string): ReadonlySet<string> {
  const bare = value.trim();
  if (bare === '') return new Set();
  const lines = bare.split(/\r?\n/);
  const longLines = lines.map((line) => line.trim()).filter((line) => line.length >= SECRET_LINE_LENGTH);
  return new Set([
    bare,
    lines.join('\n'),
    lines.join('\r\n'),
    // As whoever puts a text on one line shows it.
    bare.replaceAll(/\s+/g, ' '),
    ...[bare, ...longLines].flatMap(quoted),
    ...inUrls(bare),
    ...inShell(bare),
    ...inMarkup(bare),
    // `echo "$TOKEN" | base64` encodes a line.
    ...[value, bare, `${bare}\n`].flatMap(inBase64),
    ...[0, 1, 2].flatMap((bytesBefore) => insideBase64(bare, bytesBefore)),
    Buffer.from(bare).toString('hex'),
    Buffer.from(bare).toString('hex').toUpperCase(),
  ]);
}

/** Inside quotes: JSON as its writers differ, Python, YAML. */
function quoted(text: string): readonly string[] {
  const json = inJson(text);
  const inSingleQuotes = json.replaceAll('\\"', '"');
  return [
    text,
    json,
    inJson(json),
    json.replaceAll(/[^\u0020-\u007E]/g, unicodeEscape),
    json.replaceAll(/[<>&\u2028\u2029]/g, unicodeEscape),
    json.replaceAll('/', String.raw`\/`),
    inSingleQuotes,
    inSingleQuotes.replaceAll("'", String.raw`\'`),
    text.replaceAll("'", "''"),
  ];
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function unicodeEscape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function inUrls(text: string): readonly string[] {
  // Half a surrogate pair is no character that a URL could hold: it becomes a replacement character.
  const wellFormed = Buffer.from(text).toString();
  const component = encodeURIComponent(wellFormed);
  const strict = component.replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  const encoded = [
    component,
    strict,
    strict.replaceAll('%2F', '/'),
    strict.replaceAll('%20', '+'),
    new URLSearchParams([['', wellFormed]]).toString().slice('='.length),
    encodeURI(wellFormed),
  ];
  return [...encoded, ...encoded.map((text) => text.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()))];
}

function inShell(text: string): readonly string[] {
  return [
    text.replaceAll("'", String.raw`'\''`),
    text.replaceAll("'", `'"'"'`),
    text.replaceAll(/["$`\\]/g, String.raw`\$&`),
    text.replaceAll(/[\s'"\\|&;()<>!{}*[\]?^$`,]/g, String.raw`\$&`),
  ];
}

/** In HTML and XML: their writers differ in how they write quotes. */
function inMarkup(text: string): readonly string[] {
  const marked = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const quotes = [
    ['"', "'"],
    ['&quot;', "'"],
    ['&quot;', '&#39;'],
    ['&quot;', '&#x27;'],
    ['&quot;', '&apos;'],
    ['&#34;', '&#39;'],
  ] as const;
  return quotes.map(([double, single]) => marked.replaceAll('"', double).replaceAll("'", single));
}

function inBase64(text: string): readonly string[] {
  const padded = Buffer.from(text).toString('base64');
  const forUrls = padded.replaceAll('+', '-').replaceAll('/', '_');
  return [padded, forUrls].flatMap((code) => [code, code.replace(/=+$/, '')]);
}

/** What a text shows of itself in the base64 of a longer one, such as `user:password`: the digits that are its alone. */
function insideBase64(text: string, bytesBefore: number): readonly string[] {
  const bytes = Buffer.concat([Buffer.alloc(bytesBefore), Buffer.from(text)]);
  const [from, to] = [Math.ceil((bytesBefore * 8) / 6), Math.floor((bytes.length * 8) / 6)];
  if (to - from < SHORTEST_INSIDE) return [];
  return [bytes.toString('base64'), bytes.toString('base64url')].map((code) => code.slice(from, to));
}
