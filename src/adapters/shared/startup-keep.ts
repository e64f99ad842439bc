import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RUN_FILES } from '../../evidence/run-folder.ts';
import type { RunningProcess } from '../../exec/executor.ts';
import type { ParseContext, ReadyRole, RunContext } from '../../lifecycle/adapter.ts';
import { readRoleLogs } from './role-logs.ts';

/** What servers said while they started: a cell that uses one again has it in no log of its own. */
const said = new WeakMap<RunningProcess, readonly string[]>();

/** What is kept of what servers say while they start, and where. */
export interface StartupKeep {
  /** Where a run keeps what a server said in an earlier run, among its attachments. */
  readonly fileOf: (server: Pick<ReadyRole, 'role' | 'host'>) => string;
  /** Whether a line of a server's log says something of how it was started. */
  readonly isStartupLine: (line: string) => boolean;
}

/** Remembers what the servers of a run said while they started, and keeps it in runs that use them again. */
export async function keepStartup(
  context: RunContext,
  servers: readonly ReadyRole[],
  { fileOf, isStartupLine }: StartupKeep,
): Promise<void> {
  for (const { role, host, process, reusedFrom } of servers) {
    const lines = said.get(process);
    if (reusedFrom !== null && lines !== undefined) {
      context.writer.attach(fileOf({ role, host }), `${lines.join('\n')}\n`);
    } else if (reusedFrom === null) {
      const log = join(context.request.folder, RUN_FILES.logs, `${role}.${host}.log`);
      const text = await readFile(log, 'utf8').catch(() => '');
      said.set(process, text.split('\n').slice(0, -1).filter(isStartupLine));
    }
  }
}

/**
 * What the servers of a role said, host by host: in the earlier run that started them, if one did, then in this one. The last
 * line of a log may be cut short, and is left out.
 */
export async function readStartupLogs(
  context: Pick<ParseContext, 'folder' | 'run'>,
  role: string,
  fileOf: StartupKeep['fileOf'],
): Promise<readonly (readonly string[])[]> {
  // A second opinion: servers that an earlier cell started may have had nothing to say since.
  const logs = await readRoleLogs(context, role, { mayBeSilent: true }).catch(() => []);
  const hosts = context.run.bindings[role] ?? logs.map(({ host }) => host);
  return Promise.all(
    hosts.map(async (host) => {
      const path = join(context.folder, RUN_FILES.attachments, fileOf({ role, host }));
      const earlier = await readFile(path, 'utf8').catch(() => '');
      const own = logs.find((log) => log.host === host)?.lines ?? [];
      return [earlier.split('\n'), own].flatMap((lines) => lines.slice(0, -1));
    }),
  );
}
