import { createHash } from 'node:crypto';
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { canonicalJson } from './canonical-json.ts';
import type { KnownTexts } from './canonical-json.ts';

/** A sha256 in the form `sha256:<64 hex digits>`. */
export type Sha256 = `sha256:${string}`;

/** The sha256 of the canonical JSON of plain data; `known` has the text of parts that other data has as well. */
export function hashOf(value: unknown, known?: KnownTexts): Sha256 {
  return `sha256:${createHash('sha256').update(canonicalJson(value, known)).digest('hex')}`;
}

// To open a stream takes longer than to read so much.
const SMALL_BYTES = 2 ** 20;

/** The sha256 of a file's bytes, of which only few are in memory at a time. Rejects when the file cannot be read. */
export async function hashOfFile(path: string): Promise<Sha256> {
  const hash = createHash('sha256');
  if (statSync(path).size <= SMALL_BYTES) hash.update(readFileSync(path));
  else await pipeline(createReadStream(path), hash);
  return `sha256:${hash.digest('hex')}`;
}

/** The first 12 hex digits of a hash: a path segment for people. */
export function shortHash(hash: Sha256): string {
  return hash.slice('sha256:'.length, 'sha256:'.length + 12);
}
