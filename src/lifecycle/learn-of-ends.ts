import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import type { ReadyRole } from './adapter.ts';

const ANSWER_TIMEOUT_MS = 2000;
/** What tells of the end of a process may take as long: a connection over ssh, the log of a container. */
const END_TIMEOUT_MS = 5000;

/**
 * Settles once the end of every server is known that can no longer be reached, or the signal is aborted: the clients of a
 * server hear of its death before whoever started it. Otherwise a run would fail for the requests that were lost, not for the
 * server.
 */
export async function learnOfEnds(servers: readonly ReadyRole[], signal: AbortSignal): Promise<void> {
  await Promise.all(servers.map((server) => learnOfEnd(server, signal)));
}

async function learnOfEnd({ process, url }: ReadyRole, signal: AbortSignal): Promise<void> {
  if (url === null || process.exit() !== null || !(await isGone(url)) || signal.aborted) return;
  const waited = delay(END_TIMEOUT_MS, undefined, { ref: false, signal }).catch(() => undefined);
  await Promise.race([process.exited, waited]);
}

/** Whether nobody is there; one who does not answer in time may only be busy. */
async function isGone(url: string): Promise<boolean> {
  try {
    const { body } = await request(`${url}/health`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    await body.dump();
    return false;
  } catch (thrown) {
    return !(thrown instanceof DOMException);
  }
}
