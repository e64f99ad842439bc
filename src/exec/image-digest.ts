import { v7 as uuidv7 } from 'uuid';
import { findImage } from './container-image.ts';
import type { HostsSpec } from './hosts.ts';
import { withPlainHosts } from './plain-hosts.ts';

/** The digest of the image that the first of these hosts has now; null when it has none, or cannot be asked yet. */
export async function digestOn(spec: HostsSpec): Promise<string | null> {
  const { container, nodes } = spec;
  // What is fetched anew each time is not known before.
  if (container === null || container.pull === 'always') return null;
  const first = { ...spec, nodes: nodes.slice(0, 1) };
  return withPlainHosts(first, uuidv7(), async ([executor]) =>
    executor === undefined ? null : findImage(executor, container),
  ).catch(() => null);
}
