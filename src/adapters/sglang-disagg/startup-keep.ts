import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RUN_FILES } from '../../evidence/run-folder.ts';
import type { RunningProcess } from '../../exec/executor.ts';
import type { ReadyRole, RunContext } from '../../lifecycle/adapter.ts';
import { isStartupLine } from './server-log.ts';

/** What servers said while they started: a cell that uses one again has it in no log of its own. */
const said = new WeakMap<RunningProcess, readonly string[]>();

/** Where a run keeps what a server said in an earlier run, among its attachments. */
export function startupFile(role: string, host: string): string {
  return `server-startup.${role}.${host}.log`;
}

/** Remembers what the servers of a run said while they started, and keeps it in runs that use them again. */
export async function keepStartup(context: RunContext, servers: readonly ReadyRole[]): Promise<void> {
  for (const { role, host, process, reusedFrom } of servers) {
    const lines = said.get(process);
    if (reusedFrom !== null && lines !== undefined) {
      context.writer.attach(startupFile(role, host), `${lines.join('\n')}\n`);
    } else if (reusedFrom === null) {
      const log = join(context.request.folder, RUN_FILES.logs, `${role}.${host}.log`);
      const text = await readFile(log, 'utf8').catch(() => '');
      said.set(process, text.split('\n').slice(0, -1).filter(isStartupLine));
    }
  }
}
