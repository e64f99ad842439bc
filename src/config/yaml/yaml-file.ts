import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import { parseYaml } from './yaml-source.ts';
import type { YamlReading } from './yaml-source.ts';

/** Reads a YAML file, named relative to `root`; one that cannot be read is a problem too. */
export function readYamlFile(file: string, root: string): YamlReading {
  try {
    return parseYaml(file, readFileSync(resolve(root, file), 'utf8'));
  } catch (thrown) {
    const isFolder = (thrown as NodeJS.ErrnoException).code === 'EISDIR';
    const message = isFolder ? 'is a folder' : `cannot be read: ${messageOf(thrown)}`;
    const hint = isFolder ? 'give it another name' : 'check that the file is there and may be read';
    return { source: null, problems: [{ file, line: 1, column: 1, path: '', message, hint }] };
  }
}
