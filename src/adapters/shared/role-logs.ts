import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RUN_FILES } from '../../evidence/run-folder.ts';
import { readArtifact } from '../../lifecycle/artifact.ts';
import type { ParseContext } from '../../lifecycle/adapter.ts';

/** What a role printed on one host, both streams. */
export interface RoleLog {
  readonly role: string;
  readonly host: string;
  /** Its number among the hosts of the role, from 0. */
  readonly index: number;
  /** The lines as they stand in the log. */
  readonly lines: readonly string[];
}

/**
 * Reads the log of a role on each of its hosts, in the order that they are bound in.
 *
 * @throws WorkloadFailure parse_failure for one that is missing, or empty unless it may be silent.
 */
export async function readRoleLogs(
  { folder, run }: Pick<ParseContext, 'folder' | 'run'>,
  role: string,
  { mayBeSilent = false }: { readonly mayBeSilent?: boolean } = {},
): Promise<readonly RoleLog[]> {
  const logs = join(folder, RUN_FILES.logs);
  const hosts = run.bindings[role] ?? (await hostsWithLogs(logs, role));
  return Promise.all(
    hosts.map(async (host, index) => {
      const path = join(logs, `${role}.${host}.log`);
      const isSilent = mayBeSilent && (await stat(path).catch(() => null))?.size === 0;
      const text = isSilent ? '' : await readArtifact(path);
      return { role, host, index, lines: text.split('\n') };
    }),
  );
}

/** A role that is not bound, such as a load client that the config does not place, is found by its logs. */
async function hostsWithLogs(folder: string, role: string): Promise<readonly string[]> {
  const names = await readdir(folder);
  const own = names.filter((name) => name.startsWith(`${role}.`) && name.endsWith('.log'));
  return own.toSorted().map((name) => name.slice(role.length + 1, -'.log'.length));
}

// eslint-disable-next-line no-control-regex -- the escape is what is looked for.
const ANSI = /\u001B(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001B]*(?:\u0007|\u001B\\)|[@-Z\\-_])/g;

/** A printed line as a terminal would leave it: without ANSI sequences, and only what follows the last carriage return. */
export function plainLine(line: string): string {
  const plain = line.replace(ANSI, '').replace(/\r+$/, '');
  return plain.slice(plain.lastIndexOf('\r') + 1);
}
