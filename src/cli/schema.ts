import { dirname, join, posix, relative, sep } from 'node:path';
import { defineCommand } from 'citty';
import type { ArgsDef } from 'citty';
import { poolFileSchema } from '../cluster/pool-schema.ts';
import type { JsonSchema } from '../config/schema/from-environment.ts';
import { thresholdsJsonSchema, toJsonSchema, workloadJsonSchema } from '../config/schema/json-schema.ts';
import { isThresholdsFile } from '../config/thresholds-file.ts';
import { AssayError } from '../core/errors.ts';
import { manifestSchema } from '../evidence/manifest.ts';
import { nearest } from '../core/nearest.ts';
import { frameworks } from '../session/registry.ts';
import { readOptions } from './arguments.ts';

const schemas = {
  workload: (): JsonSchema => workloadJsonSchema(frameworks.map(({ spec }) => spec)),
  thresholds: (): JsonSchema => thresholdsJsonSchema(),
  cluster: (): JsonSchema => toJsonSchema(poolFileSchema, 'Assay cluster file'),
  manifest: (): JsonSchema => toJsonSchema(manifestSchema, 'Assay manifest'),
};

type FileKind = keyof typeof schemas;

const schemaOptions = {
  kind: {
    type: 'positional',
    default: 'workload',
    description: 'workload, thresholds (<config>.thresholds.yaml), cluster or manifest (of a run)',
  },
  modeline: { type: 'boolean', description: 'print the comment that names the schema, the first line of a file' },
  for: { type: 'string', valueHint: 'file', description: 'print the comment for a file in another folder' },
  json: { type: 'boolean', description: 'print one JSON document, as always' },
} as const satisfies ArgsDef;

/** `assay schema [kind]`: what editors need to complete, explain and check a file. */
export const schema = defineCommand({
  meta: {
    name: 'schema',
    description: 'Print the JSON Schema of a config: editors complete, explain and check its fields by it.',
  },
  args: schemaOptions,
  run({ rawArgs }) {
    const options = readOptions(rawArgs, schemaOptions);
    const [word, file] = [options.one('kind'), options.one('for')];
    const kind = word === null ? kindOf(file ?? '') : parseKind(word);
    const wantsModeline = options.has('modeline') || file !== null;
    process.stdout.write(wantsModeline ? `${modeline(kind, file ?? '')}\n` : printSchema(kind));
  },
});

/** What `assay schema --help` shows below the options. */
export const schemaExamples = `  assay schema                                the schema of a config
  assay schema cluster > cluster.schema.json  that of a cluster file, as a file of your own
  assay schema --modeline                     the first line of a config, for the schema in the package
  assay schema --for configs/vllm/my.yaml     the same, for a config in a folder
  assay schema --for lab.cluster.yaml         for a cluster file, by its name
`;

/** The JSON Schema of a kind of file, as it is shipped. */
export function printSchema(kind: FileKind): string {
  const text = JSON.stringify(schemas[kind](), null, '\t');
  // Half of all lines would be the braces around references.
  return `${text.replaceAll(/\{\s+("\$ref": "[^"]+")\s+\}/g, '{ $1 }')}\n`;
}

/** The comment that names the schema of a file: editors read its path from the folder of the file. */
export function modeline(kind: FileKind, file: string): string {
  const shipped = join('node_modules', 'vitest-assay', 'schemas', `${kind}.schema.json`);
  const path = relative(dirname(file), shipped).split(sep).join(posix.sep);
  return `# yaml-language-server: $schema=${path}`;
}

/** The kind of file that a name says; that of a config for every other. */
function kindOf(file: string): FileKind {
  if (isThresholdsFile(file)) return 'thresholds';
  return /\.cluster\.(?:ya?ml|json)$/.test(file) ? 'cluster' : 'workload';
}

function parseKind(text: string): FileKind {
  const kinds = Object.keys(schemas) as FileKind[];
  const kind = kinds.find((one) => one === text);
  if (kind !== undefined) return kind;
  const meant = nearest(text, kinds);
  throw new AssayError('USAGE', `there is no schema of "${text}"`, {
    hint: meant === null ? `use one of ${kinds.join(', ')}` : `did you mean ${meant}?`,
  });
}
