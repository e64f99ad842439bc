import type { RunRequest } from '../../lifecycle/adapter.ts';
import type { Place } from '../../lifecycle/launch.ts';
import { flagWords } from './flag-words.ts';
import { rendezvousOf } from './rendezvous.ts';

/** What torchrun starts. */
interface Started {
  /** The role whose hosts are its nodes. */
  readonly role: string;
  /** Processes on each of them. */
  readonly perNode: number;
}

/**
 * The words that tell torchrun on one of its nodes which node it is, and where they meet.
 *
 * @throws WorkloadFailure setup_failure where the node cannot reach the first.
 */
export function torchrunWords(request: RunRequest, { role, perNode }: Started, place: Place): readonly string[] {
  const meeting = rendezvousOf(request, role, place);
  return flagWords({
    nnodes: request.hosts[role]?.length ?? 1,
    'nproc-per-node': perNode,
    'node-rank': place.index,
    'master-addr': meeting.host,
    'master-port': meeting.port,
  });
}
