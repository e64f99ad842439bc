import { canonicalJson } from '../core/canonical-json.ts';
import type { Command } from '../exec/executor.ts';
import type { LaunchedRole } from './adapter.ts';

/** How long a role may take to drain after SIGTERM before it is killed. */
export const STOP_GRACE_MS = 15_000;

/** A server that outlived the cell it was started for. */
interface KeptServer {
  readonly launched: LaunchedRole;
  readonly startedBy: string;
}

/** The servers that one job host keeps between the cells it runs. */
export class KeptServers {
  #servers: readonly KeptServer[] = [];

  /** Keeps what a run has launched, for the next one. */
  keep(launched: readonly LaunchedRole[], runId: string): void {
    this.#servers = launched.map((role) => ({ launched: role, startedBy: role.reusedFrom ?? runId }));
  }

  /** The runs that started what is kept: their label is on it. */
  startedBy(): readonly string[] {
    return [...new Set(this.#servers.map(({ startedBy }) => startedBy))];
  }

  /**
   * Hands over a live server that was started in the very same way. Otherwise null, and what is
   * kept on that host is ended first: it holds memory and ports that the new one needs.
   */
  async take(role: string, host: string, command: Command): Promise<LaunchedRole | null> {
    const same = this.#servers.find(
      ({ launched }) => isSame(launched, { role, host, command }) && launched.process.exit() === null,
    );
    if (same === undefined) {
      await this.#end(({ launched }) => launched.host === host);
      return null;
    }
    this.#servers = this.#servers.filter((server) => server !== same);
    return { ...same.launched, reusedFrom: same.startedBy, usageBefore: await same.launched.process.usage() };
  }

  /** Ends whatever nobody took. */
  endAll(): Promise<void> {
    return this.#end(() => true);
  }

  async #end(which: (server: KeptServer) => boolean): Promise<void> {
    const ending = this.#servers.filter(which);
    this.#servers = this.#servers.filter((server) => !which(server));
    await Promise.all(ending.map(({ launched }) => launched.process.stop(STOP_GRACE_MS)));
  }
}

function isSame(launched: LaunchedRole, wanted: Pick<LaunchedRole, 'role' | 'host' | 'command'>): boolean {
  return launchKey(launched) === launchKey(wanted);
}

function launchKey({ role, host, command }: Pick<LaunchedRole, 'role' | 'host' | 'command'>): string {
  const { file, args, env = {}, reads = [] } = command;
  return canonicalJson({ role, host, file, args, env, reads });
}
