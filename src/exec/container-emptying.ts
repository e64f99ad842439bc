import type { ContainerSpec } from '../config/schema/container.ts';
import { emptyingArgs } from './container-argv.ts';
import { ENGINE_TIMEOUT_MS, ask, removeContainers } from './container-engine.ts';
import type { Engine } from './container-engine.ts';
import { refusal } from './container-failure.ts';
import { presentImage } from './container-image.ts';
import type { Finished } from './executor.ts';
import { isSuccess } from './exit.ts';

// The engine's own codes: there was no such program, or it was not started.
const FIRST_CODE_OF_ENGINE = 125;

interface Emptying {
  readonly folder: string;
  readonly runId: string;
}

/**
 * Removes what is in a folder of the host by a container that lives only for this and carries the run's label. The image
 * must have `rm`. Rejects when the container cannot be made, or cannot be removed.
 */
export async function emptyFolder(engine: Engine, container: ContainerSpec, emptying: Emptying): Promise<void> {
  const { id: imageId } = await presentImage(engine, container);
  const args = emptyingArgs({ ...emptying, imageId, host: engine.host });
  const created = await ask(engine, args, { timeoutMs: ENGINE_TIMEOUT_MS });
  if (!isSuccess(created.exit)) throw refusal(engine, `create a container to empty ${emptying.folder}`, created);
  const id = created.stdout.trim();
  try {
    // It never succeeds: the folder itself is mounted, and stays.
    const ended = await ask(engine, ['start', '--attach', id], { timeoutMs: ENGINE_TIMEOUT_MS });
    if (isRefused(ended)) throw refusal(engine, `empty ${emptying.folder} in a container`, ended);
  } finally {
    await removeContainers(engine, [id]);
  }
}

function isRefused({ exit }: Finished): boolean {
  return exit.kind !== 'exited' || exit.code >= FIRST_CODE_OF_ENGINE;
}
