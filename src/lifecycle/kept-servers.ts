import { canonicalJson } from '../core/canonical-json.ts';
import type { Command, ProcessId } from '../exec/executor.ts';
import type { LaunchedRole } from './adapter.ts';

/** How long a role may take to drain after SIGTERM before it is killed. */
export const STOP_GRACE_MS = 15_000;

/** A server that outlived the cell it was started for. */
interface KeptServer {
  readonly launched: LaunchedRole;
  readonly startedBy: string;
}

/** A server as a run needs it. */
interface Wanted {
  readonly role: string;
  readonly host: string;
  readonly command: Command;
  /** The digest of the image that it is to run in; null for the host itself. */
  readonly image: string | null;
}

/** The servers that one job host keeps between the cells it runs. */
export class KeptServers {
  #servers: readonly KeptServer[] = [];

  /** Keeps what a run has launched, for the next one. */
  keep(launched: readonly LaunchedRole[], runId: string): void {
    const servers = launched.map((role) => ({ launched: role, startedBy: role.reusedFrom ?? runId }));
    this.#servers = [...this.#servers, ...servers];
  }

  /** The runs that started what is kept: their label is on it. */
  startedBy(): readonly string[] {
    return [...new Set(this.#servers.map(({ startedBy }) => startedBy))];
  }

  /** What is kept on a host of what a run started there. */
  idsOf(runId: string, host: string): readonly ProcessId[] {
    return this.#servers
      .filter(({ launched, startedBy }) => startedBy === runId && launched.host === host)
      .map(({ launched }) => launched.process.id);
  }

  /**
   * Hands over a live server that was started in the very same way. Otherwise null, and what is
   * kept on that host is ended first: it holds memory and ports that the new one needs.
   */
  async take(wanted: Wanted): Promise<LaunchedRole | null> {
    const same = this.#servers.find(
      ({ launched }) => launchKey(wantedBy(launched)) === launchKey(wanted) && launched.process.exit() === null,
    );
    if (same === undefined) {
      await this.#end(({ launched }) => launched.host === wanted.host);
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

function wantedBy({ role, host, command, process: { id } }: LaunchedRole): Wanted {
  return { role, host, command, image: id.kind === 'container' ? id.image : null };
}

function launchKey({ role, host, command, image }: Wanted): string {
  const { file, args, env = {}, reads = [], writes = [] } = command;
  return canonicalJson({ role, host, file, args, env, reads, writes, image });
}
