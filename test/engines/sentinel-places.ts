import { readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { loadEngine, sqlFile } from '../../src/evidence/duckdb.ts';
import type { SentinelSearch } from './sentinel-secrets.ts';

/** Above it a file is a layer of an image, which was there before. */
const LARGEST_FILE = 8 * 2 ** 20;

/**
 * The databases of podman and containerd, for their user only. They keep what they knew of a container, its environment
 * included, in pages that are free and not overwritten yet: inherent to `--env-file`, as `Config.Env` of inspect is.
 */
const KNOW_ENVIRONMENTS: readonly string[] = ['bolt_state.db', 'meta.db'];

/** Leaks in the files of a folder, byte by byte, and in the rows of its Parquet files, which are compressed. */
export async function leaksInFolder(search: SentinelSearch, folder: string): Promise<readonly string[]> {
  const paths = filesIn(folder);
  const inBytes = paths
    .filter((path) => !KNOW_ENVIRONMENTS.includes(basename(path)))
    .flatMap((path) => leaksInFile(search, path));
  const parquet = paths.filter((path) => path.endsWith('.parquet'));
  const inRows = await Promise.all(parquet.map(async (path) => search.leaksIn(path, await parquetText(path))));
  const inNames = search.leaksIn(`the names in ${folder}`, paths.join('\n'));
  return [...inBytes, ...inRows.flat(), ...inNames];
}

/** Leaks in the files of a folder as they are now, and in those made since then where temporary files are made. */
export function leaksOnTheWay(search: SentinelSearch, folder: string, since: Date): readonly string[] {
  const temporary = [tmpdir(), '/tmp', '/dev/shm'].flatMap((place) =>
    readdirSync(place, { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [join(place, entry.name)] : [])),
  );
  const made = temporary.filter((path) => (statSync(path, { throwIfNoEntry: false })?.ctime ?? 0) > since);
  return [...made, ...filesIn(folder)].flatMap((path) => leaksInFile(search, path));
}

/** The rows of a Parquet file, as JSON. */
export async function parquetText(path: string): Promise<string> {
  const connection = await (await loadEngine()).connect();
  try {
    const rows = await connection.runAndReadAll(`SELECT to_json(t)::VARCHAR FROM read_parquet(${sqlFile(path)}) t`);
    // Read as data again: the secret may hold what JSON escapes.
    return rows
      .getRows()
      .map(([row]) => `${String(row)}\n${Object.values(JSON.parse(String(row)) as object).join('\n')}`)
      .join('\n');
  } finally {
    connection.closeSync();
  }
}

/** Leaks in what anybody wrote since then into the folders of this machine for files that come and go. */
export async function leaksInTemporaryFolders(search: SentinelSearch, since: Date): Promise<readonly string[]> {
  const places = ['/tmp', '/var/tmp', '/dev/shm', '/run'];
  const isNew = ['-type', 'f', '-newermt', since.toISOString(), '-size', '-1024k', '-print0'];
  const prune = ['-name', 'node_modules', '-prune', '-o'];
  const { stdout } = await execa('find', [...places, '-xdev', '-maxdepth', '4', ...prune, ...isNew], { reject: false });
  return stdout
    .split('\0')
    .filter((path) => path !== '' && !KNOW_ENVIRONMENTS.includes(basename(path)))
    .flatMap((path) => leaksInFile(search, path));
}

function leaksInFile(search: SentinelSearch, path: string): readonly string[] {
  try {
    return statSync(path).size > LARGEST_FILE ? [] : search.leaksIn(path, readFileSync(path));
  } catch (thrown) {
    // Gone by now, or a namespace, which is a file with no content.
    if (['ENOENT', 'EINVAL'].includes((thrown as NodeJS.ErrnoException).code ?? '')) return [];
    throw thrown;
  }
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesIn(path);
    return entry.isFile() ? [path] : [];
  });
}
