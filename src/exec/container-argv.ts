import type { ContainerSpec } from '../config/schema/container.ts';
import type { Command, StartOptions } from './executor.ts';
import { CONTAINER_LABEL } from './run-label.ts';

interface Mount {
  readonly source: string;
  readonly target: string;
  readonly isReadOnly: boolean;
}

/** What becomes of one role in a container. */
export interface Creation {
  readonly container: ContainerSpec;
  /** The image by its id, so that a tag that moves meanwhile changes nothing. */
  readonly imageId: string;
  readonly command: Command;
  readonly options: Pick<StartOptions, 'runId' | 'role'>;
  /** The name of the host: several nodes of one machine share its engine. */
  readonly host: string;
}

/** The name of a role's container on a host. */
export function containerName({ host, options: { runId, role } }: Pick<Creation, 'host' | 'options'>): string {
  return `assay-${runId}-${role}.${host.replaceAll(/[^\w.-]/g, '_')}`;
}

/**
 * The client's arguments that create a role's container; its environment comes in the file that they name.
 * Not privileged, and no init process of the engine's: podman hosts often lack it, and the first process, whose
 * usage counts, would be that one. A program that handles no SIGTERM is therefore killed after the grace time.
 */
export function createArgs(creation: Creation, envFile: string): readonly string[] {
  const { container, imageId, command, options } = creation;
  return [
    'create',
    `--name=${containerName(creation)}`,
    `--label=${CONTAINER_LABEL}=${options.runId}`,
    `--label=assay.role=${options.role}`,
    '--pull=never',
    '--network=host',
    // Whatever the host's default is, this one can be followed.
    `--log-driver=${container.runtime === 'docker' ? 'json-file' : 'k8s-file'}`,
    `--env-file=${envFile}`,
    ...mountsOf(container, command).map((mount) => `--mount=${mount}`),
    ...(container.shm_size === undefined ? [] : [`--shm-size=${container.shm_size}`]),
    ...container.devices.map((device) => `--device=${device}`),
    `--entrypoint=${command.file}`,
    imageId,
    ...command.args,
  ];
}

/** A folder that is emptied by a container. */
interface EmptyingCreation {
  readonly folder: string;
  readonly runId: string;
  /** The name of the host. */
  readonly host: string;
  readonly imageId: string;
}

/** The client's arguments that create a container which removes what is in a folder of the host, whoever's it is. */
export function emptyingArgs({ folder, runId, host, imageId }: EmptyingCreation): readonly string[] {
  const role = 'scratch-removal';
  return [
    'create',
    `--name=${containerName({ host, options: { runId, role } })}`,
    `--label=${CONTAINER_LABEL}=${runId}`,
    `--label=assay.role=${role}`,
    '--pull=never',
    '--network=none',
    '--user=0:0',
    `--mount=${bindMount({ source: folder, target: folder, isReadOnly: false })}`,
    '--entrypoint=rm',
    imageId,
    '-rf',
    folder,
  ];
}

// `--volume` would make docker create a folder where the source is missing.
function mountsOf({ mounts }: ContainerSpec, { reads = [], writes = [] }: Command): readonly string[] {
  const asked = mounts.map((mount) => {
    const [source = '', target = '', mode] = mount.split(':');
    return { source, target, isReadOnly: mode === 'ro' };
  });
  const targets = new Set(asked.map(({ target }) => target));
  const alike = (paths: readonly string[], isReadOnly: boolean): readonly Mount[] =>
    [...new Set(paths)]
      .filter((path) => !targets.has(path))
      .map((path) => ({ source: path, target: path, isReadOnly }));
  const read = reads.filter((path) => !writes.includes(path));
  return [...asked, ...alike(read, true), ...alike(writes, false)].map(bindMount);
}

function bindMount({ source, target, isReadOnly }: Mount): string {
  const fields = ['type=bind', `source=${source}`, `target=${target}`, ...(isReadOnly ? ['readonly'] : [])];
  return fields.map(quoted).join(',');
}

// The engines read a mount as one line of CSV.
function quoted(field: string): string {
  return /[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
