import { isLoopback } from '../../cluster/host.ts';
import { hashOf } from '../../core/hash.ts';
import { WorkloadFailure } from '../../evidence/failure.ts';
import type { RunRequest } from '../../lifecycle/adapter.ts';
import type { Place } from '../../lifecycle/launch.ts';

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

/**
 * Where the hosts of a role meet, as one of them, at this place, is to be told: at the first of them.
 *
 * @throws WorkloadFailure setup_failure where it cannot reach that one.
 */
export function rendezvousOf(
  { hosts, runId }: Pick<RunRequest, 'hosts' | 'runId'>,
  role: string,
  place: Place,
): Rendezvous {
  const host = meetingAddress(role, hosts[role]?.[0] ?? place.host, place);
  return { host, port: FIRST_PORT + portOffset(runId) };
}

/**
 * The address of the host at which hosts of a role meet, for one of them at this place.
 *
 * @throws WorkloadFailure setup_failure where it cannot reach that one.
 */
export function meetingAddress(role: string, first: string, { host, address, addressOf }: Place): string {
  const meeting = addressOf(first);
  // Nodes that share a machine, or tunnels to them, all have such addresses.
  if (isLoopback(meeting) && !isLoopback(address)) {
    throw new WorkloadFailure(
      'setup_failure',
      `${role} on ${host} has to reach ${first}, whose address ${meeting} means ${host} itself there - ` +
        `give ${first} an address in the cluster file that other nodes reach it at`,
    );
  }
  return meeting;
}

function portOffset(runId: string): number {
  return Number.parseInt(hashOf(runId).slice(-8), 16) % PORTS;
}
