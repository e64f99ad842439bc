import { z } from 'zod';
import { noSecrets } from '../core/scrubber.ts';
import type { Scrubber } from '../core/scrubber.ts';
import type { Column, TableSchema } from './tables/column-schema.ts';
import { manifestSchema } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import type { Verdict } from './verdict.ts';

// Data is scrubbed text by text, before it is written as JSON or YAML: a secret
// that looks like their syntax must not break a file, and one that they escape must be found.

/** Plain data without secrets in its texts; its keys are ours and stay. */
export function scrubbedValues<Data>(data: Data, scrubber: Scrubber): Data {
  if (scrubber === noSecrets) return data;
  return mapTexts(data, { key: (name) => name, text: (text) => scrubber.scrub(text) }) as Data;
}

/** A manifest without secrets in its texts and in the keys that a workload or a config chose; it stays a valid one. */
export function scrubbedManifest(manifest: Manifest, scrubber: Scrubber): Manifest {
  if (scrubber === noSecrets) return manifest;
  const scrubbed = scrubbedRecord(manifest, scrubber);
  // What we made ourselves or the path of the run says anyway: a part of it that happens to be a secret tells nobody so.
  for (const field of OURS) Object.assign(scrubbed, { [field]: manifest[field] });
  return scrubbed;
}

const OURS = [
  'schema_version',
  'run_id',
  'test_id',
  'cell_id',
  'experiment_id',
  'tool',
  'git_sha',
  'timestamp_start',
  'timestamp_end',
  'framework',
  'phases',
  'sidecars',
] as const satisfies readonly (keyof Manifest)[];

/** Verdicts without secrets; they stay valid. */
export function scrubbedVerdicts(verdicts: readonly Verdict[], scrubber: Scrubber): readonly Verdict[] {
  return scrubber === noSecrets ? verdicts : scrubbedRecord(verdicts, scrubber);
}

/** A table whose texts are read without secrets. */
export function scrubbedTable<Row>(table: TableSchema<Row>, scrubber: Scrubber): TableSchema<Row> {
  if (scrubber === noSecrets) return table;
  const scrubbedColumn = (column: Column<Row>): Column<Row> => {
    if (column.type !== 'VARCHAR') return column;
    const of = (row: Row): string | null => scrubbedValues(column.of(row), scrubber);
    return { ...column, of };
  };
  return { ...table, columns: table.columns.map(scrubbedColumn) };
}

function scrubbedRecord<Data>(data: Data, scrubber: Scrubber): Data {
  const words = manifestWords();
  const scrub = (text: string): string => (words.has(text) || HASH.test(text) ? text : scrubber.scrub(text));
  return mapTexts(data, { key: scrub, text: scrub }) as Data;
}

const HASH = /^sha256:[0-9a-f]{64}$/;

let knownWords: ReadonlySet<string> | null = null;

/** The field names and the closed vocabularies of a manifest: no reader could do without them. */
function manifestWords(): ReadonlySet<string> {
  if (knownWords !== null) return knownWords;
  const words = new Set<string>();
  JSON.stringify(z.toJSONSchema(manifestSchema, { unrepresentable: 'any' }), (key, value: unknown) => {
    if (key === 'properties') for (const name of Object.keys(value as object)) words.add(name);
    if (key === 'enum') for (const word of value as readonly string[]) words.add(word);
    return value;
  });
  knownWords = words;
  return words;
}

interface TextMapping {
  readonly key: (name: string) => string;
  readonly text: (text: string) => string;
}

function mapTexts(data: unknown, mapping: TextMapping): unknown {
  if (typeof data === 'string') return mapping.text(data);
  if (typeof data !== 'object' || data === null) return data;
  if (Array.isArray(data)) return data.map((item) => mapTexts(item, mapping));
  if ('toJSON' in data && typeof data.toJSON === 'function') return mapTexts(data.toJSON(), mapping);
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [mapping.key(name), mapTexts(value, mapping)]));
}
