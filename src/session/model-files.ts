import { createHash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import type { Cell } from '../config/cell.ts';
import type { NamedFiles } from '../config/identity.ts';
import type { Pool } from '../cluster/pool.ts';
import { hashOf } from '../core/hash.ts';
import type { Sha256 } from '../core/hash.ts';

/** A bigger file is known by its size and its time: a plan cannot read it. */
const BYTES_READ = 2 ** 30;

const CHUNK_BYTES = 2 ** 20;

/** What the files of a cell hold; null when there is nothing to add to what its config says. */
export type FilesOfCell = (cell: Pick<Cell, 'workload' | 'configFolder'>) => NamedFiles | null;

/**
 * Tells what the files and folders hold that configs name by a path, so that another content is another workload.
 * Only where they are used on this machine: a path on a remote node says nothing here. Each is looked at once for all
 * the cells that are asked about; a config that declares a sha256 is believed, its adapter checks it.
 */
export function namedFilesOn(
  { executor }: Pick<Pool, 'executor'>,
  filesOf: (configFolder: string) => string,
): FilesOfCell {
  if (executor !== 'local') return () => null;
  const known = new Map<string, Sha256 | null>();
  const look = (path: string): Sha256 | null => {
    const found = known.get(path);
    if (found !== undefined) return found;
    const fingerprint = fingerprintOf(path);
    known.set(path, fingerprint);
    return fingerprint;
  };
  return ({ workload, configFolder }) => {
    const contentOf = ({ path, sha256 }: Descriptor = {}): Sha256 | null =>
      path === undefined || sha256 !== undefined ? null : look(resolve(filesOf(configFolder), path));
    const files = { model: contentOf(workload.model), dataset: contentOf(workload.dataset) };
    return files.model === null && files.dataset === null ? null : files;
  };
}

type Descriptor = Partial<Pick<Cell['workload']['model'], 'path' | 'sha256'>>;

/** What a file or folder holds; null for one that is not there, or cannot be read. */
function fingerprintOf(path: string): Sha256 | null {
  try {
    const stats = statSync(path);
    if (stats.isDirectory()) return hashOf(listOf(path));
    if (!stats.isFile()) return null;
    return stats.size > BYTES_READ ? hashOf([stats.size, stats.mtimeMs]) : contentHash(path, stats);
  } catch {
    return null;
  }
}

// Hubs keep folders of links to what they fetched.
function listOf(folder: string): readonly unknown[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => {
      const stats = statSync(path, { throwIfNoEntry: false });
      return [relative(folder, path), stats?.size ?? null, stats?.mtimeMs ?? null];
    });
}

const contentHashes = new Map<string, Sha256>();

function contentHash(path: string, { size, mtimeMs }: { readonly size: number; readonly mtimeMs: number }): Sha256 {
  const key = JSON.stringify([path, size, mtimeMs]);
  const hash = contentHashes.get(key) ?? readContentHash(path);
  contentHashes.set(key, hash);
  return hash;
}

function readContentHash(path: string): Sha256 {
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  const file = openSync(path, 'r');
  try {
    for (let bytes = readSync(file, chunk); bytes > 0; bytes = readSync(file, chunk)) {
      hash.update(chunk.subarray(0, bytes));
    }
  } finally {
    closeSync(file);
  }
  return `sha256:${hash.digest('hex')}`;
}
