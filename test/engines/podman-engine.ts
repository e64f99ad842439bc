import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { vi } from 'vitest';
import type { TestEngine } from './docker-engine.ts';
import { missingPrograms } from './missing-programs.ts';

/** Why podman cannot be used here; null when it can. */
export async function podmanMissing(): Promise<string | null> {
  return missingPrograms(['podman', 'runc', 'conmon']);
}

/** Podman with a storage of its own in a temporary folder. */
export async function startPodman(): Promise<TestEngine> {
  const folder = mkdtempSync(join(tmpdir(), 'podman-'));
  const env = {
    CONTAINERS_CONF: join(folder, 'containers.conf'),
    CONTAINERS_STORAGE_CONF: join(folder, 'storage.conf'),
    CONTAINERS_REGISTRIES_CONF: join(folder, 'registries.conf'),
  };
  mkdirSync(join(folder, 'tmp'));
  writeFileSync(env.CONTAINERS_CONF, containersConf(folder));
  writeFileSync(
    env.CONTAINERS_STORAGE_CONF,
    `[storage]\ndriver = "overlay"\ngraphroot = "${join(folder, 'root')}"\nrunroot = "${join(folder, 'run')}"\n`,
  );
  writeFileSync(env.CONTAINERS_REGISTRIES_CONF, '');
  return {
    env,
    trust: (registry) =>
      appendFileSync(env.CONTAINERS_REGISTRIES_CONF, `[[registry]]\nlocation = "${registry}"\ninsecure = true\n`),
    close: async () => {
      const options = { env, reject: false } as const;
      await execa('podman', ['rm', '--all', '--force', '--volumes', '--time', '0'], options);
      await vi.waitFor(() => removeMounted(folder), { timeout: 30_000, interval: 100 });
    },
  };
}

/**
 * Removes a storage, which podman keeps mounted on itself. Fails while a podman that conmon has called to clean up behind
 * a container may mount it once more.
 */
async function removeMounted(folder: string): Promise<void> {
  for (const point of mountedUnder(folder)) await execa('umount', ['--lazy', point]);
  rmSync(folder, { recursive: true, force: true });
}

/** What is mounted in a folder, the last mounted first. */
function mountedUnder(folder: string): readonly string[] {
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '');
  return points.filter((point) => point.startsWith(`${folder}/`)).toReversed();
}

// Only the limits that this user may set, the one runtime that works with hybrid control groups,
// and locks that no other podman of the machine shares.
function containersConf(folder: string): string {
  return `[containers]
default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]
netns = "host"

[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
tmp_dir = "${join(folder, 'tmp')}"
`;
}
