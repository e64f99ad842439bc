import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import type { ReadyRole } from './adapter.ts';

const ANSWER_TIMEOUT_MS = 2000;
/** What tells of the end of a process may take as long: a connection over ssh, the log of a container. */
const END_TIMEOUT_MS = 5000;

/**
 * Settles as `work` on servers does, once the end of every server is known that can no longer be reached: its clients hear
 * of a death before whoever started it. Otherwise a run would fail for the requests that were lost, not for the server.
 */
export async function learnOfEnds(work: Promise<unknown>, servers: readonly ReadyRole[]): Promise<void> {
  try {
    await work;
  } finally {
    await Promise.all(servers.map(learnOfEnd));
  }
}

async function learnOfEnd({ process, url }: ReadyRole): Promise<void> {
  if (url === null || process.exit() !== null || !(await isGone(url))) return;
  await Promise.race([process.exited, delay(END_TIMEOUT_MS, undefined, { ref: false })]);
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
