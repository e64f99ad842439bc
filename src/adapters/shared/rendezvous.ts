import { hashOf } from '../../core/hash.ts';
import type { RunRequest } from '../../lifecycle/adapter.ts';

// Below the ports that Linux hands out by itself.
const FIRST_PORT = 20_000;
const PORTS = 10_000;

/** Where the processes of a distributed program find each other. */
export interface Rendezvous {
  /** The first host of the role, as the others reach it. */
  readonly host: string;
  /** The same for every host of a run; of two runs at a time hardly ever the same. */
  readonly port: number;
}

/** Where the hosts of a role meet: at the first of them. */
export function rendezvousOf(
  { hosts, on, runId }: Pick<RunRequest, 'hosts' | 'on' | 'runId'>,
  role: string,
): Rendezvous {
  const [first] = hosts[role] ?? [];
  const address = on.nodes.find(({ name }) => name === first)?.address.host ?? '127.0.0.1';
  const isLocal = on.reach.executor === 'local' && !address.startsWith('127.');
  return { host: isLocal ? '127.0.0.1' : address, port: FIRST_PORT + portOffset(runId) };
}

function portOffset(runId: string): number {
  return Number.parseInt(hashOf(runId).slice(-8), 16) % PORTS;
}
