import { plainValue } from '../../config/yaml/yaml-scalar.ts';

const WIDTH = 120;
/** A threshold with its `when:` is easiest to read on one line. */
const ITEM_WIDTH = 145;

/** Plain data as YAML: mappings in block style, small ones inside of lists and mappings on one line. */
export function yamlOf(fields: Readonly<Record<string, unknown>>): string {
  return Object.entries(fields)
    .map(([key, value]) => `${entry(key, value, '')}\n`)
    .join('');
}

function entry(key: string, value: unknown, indent: string): string {
  const label = `${indent}${scalar(key)}:`;
  const flow = flowOf(value);
  // The sections of a config are easier to read one line a field.
  const isSection = indent === '' && isMapping(value) && (Object.keys(value).length > 1 || !isFlat(value));
  if (!isSection && label.length + flow.length < WIDTH && !isListOfMappings(value)) return `${label} ${flow}`;
  if (Array.isArray(value)) return `${label}\n${value.map((item) => listItem(item, `${indent}  `)).join('\n')}`;
  if (!isMapping(value)) return `${label} ${flow}`;
  const fields = Object.entries(value).map(([name, inner]) => entry(name, inner, `${indent}  `));
  return `${label}\n${fields.join('\n')}`;
}

function listItem(item: unknown, indent: string): string {
  const flow = flowOf(item);
  if (!isMapping(item) || indent.length + flow.length + 2 <= ITEM_WIDTH) return `${indent}- ${flow}`;
  const fields = Object.entries(item).map(([name, inner]) => entry(name, inner, `${indent}  `));
  return `${indent}- ${fields.join('\n').trimStart()}`;
}

function flowOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flowOf).join(', ')}]`;
  if (!isMapping(value)) return scalar(value);
  return `{${Object.entries(value)
    .map(([key, inner]) => `${scalar(key)}: ${flowOf(inner)}`)
    .join(', ')}}`;
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isFlat(value: Readonly<Record<string, unknown>>): boolean {
  return Object.values(value).every((inner) => !isMapping(inner));
}

function isListOfMappings(value: unknown): boolean {
  return Array.isArray(value) && value.some(isMapping);
}

// What needs no quotes anywhere: no indicator, no blank, nothing that another YAML reads as something else.
const PLAIN = /^(?![\d.:+-]+$)[\w/][\w./@+-]*(?::[\w./@+-]+)*$/;
const AMBIGUOUS = /^(?:y|n|yes|no|on|off|true|false|null|nan|inf)$/i;

function scalar(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value) ?? 'null';
  const isPlain = PLAIN.test(value) && (!AMBIGUOUS.test(value) || value === 'inf') && plainValue(value) === value;
  return isPlain ? value : JSON.stringify(value);
}

/** A text as comment lines. */
export function commentLines(text: string): readonly string[] {
  const lines: string[] = [];
  for (const word of text.replaceAll(/\s+/g, ' ').trim().split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length + 1 <= WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`# ${word}`);
  }
  return lines;
}
