import { soundsSecret } from '../../config/schema/secrets.ts';
import { shellWord } from '../../exec/shell-quote.ts';
import { plain } from './coerce.ts';
import { isOpen } from './draft.ts';
import type { Draft } from './draft.ts';
import { fieldsOf, printPath, textOf } from './legacy.ts';
import type { JsonPath } from './legacy.ts';
import { remember, resolveText, say, substitute } from './migration.ts';
import type { Migration } from './migration.ts';

/** Where the parts of a container stand in a legacy file. */
interface Parts {
  readonly image: JsonPath;
  readonly shmSize: readonly JsonPath[];
  readonly devices: JsonPath;
  readonly mounts: JsonPath;
  readonly env: readonly JsonPath[];
}

const IN_RUNTIME: Parts = {
  image: ['container', 'image'],
  shmSize: [
    ['container', 'runtime', 'args', 'shm_size'],
    ['container', 'runtime', 'args', 'shm-size'],
  ],
  devices: ['container', 'runtime', 'args', 'devices'],
  mounts: ['container', 'runtime', 'args', 'volumes'],
  env: [
    ['container', 'env'],
    ['container', 'runtime', 'args', 'env'],
  ],
};

const IN_CONFIG: Parts = {
  image: ['config', 'container_image'],
  shmSize: [['config', 'shm_size']],
  devices: ['config', 'container_config', 'device_list'],
  mounts: ['config', 'container_config', 'volume_dict'],
  env: [['config', 'container_config', 'env_dict']],
};

/** Takes the container of a legacy config, in either of its two forms; `image` says where else its image may stand. */
export function assignContainer(migration: Migration, draft: Draft, image?: JsonPath): void {
  const { legacy } = migration;
  const isNew = legacy.at(['container']) !== undefined;
  const parts = isNew ? IN_RUNTIME : IN_CONFIG;
  const own = image !== undefined && legacy.at(image) !== undefined ? image : parts.image;
  const container: Record<string, unknown> = {};
  draft.container = container;
  container['image'] = resolveText(migration, legacy.at(own)) ?? '<changeme: image>';
  remember(migration, draft, { from: own, to: 'container.image' });
  if (own !== parts.image) legacy.take(parts.image);
  takeRuntime(migration, container);
  for (const path of parts.shmSize) {
    const size = legacy.take(path);
    if (size !== undefined) container['shm_size'] = textOf(size).toLowerCase().replace(/b$/, '');
  }
  takeDevices(migration, container, parts.devices);
  takeMounts(migration, draft, parts.mounts);
  for (const path of parts.env) assignEnvironment(migration, draft, path);
}

function takeRuntime(migration: Migration, container: Record<string, unknown>): void {
  const { legacy } = migration;
  const runtime = legacy.at(['container', 'runtime', 'name']);
  if (runtime === 'docker' || runtime === 'podman') {
    legacy.take(['container', 'runtime', 'name']);
    if (runtime === 'podman') container['runtime'] = runtime;
  }
  // Containers are always on the host's network here.
  if (legacy.at(['container', 'runtime', 'args', 'network']) === 'host') {
    legacy.take(['container', 'runtime', 'args', 'network']);
  }
}

function takeDevices(migration: Migration, container: Record<string, unknown>, path: JsonPath): void {
  const devices = migration.legacy.at(path);
  if (!Array.isArray(devices)) return;
  container['devices'] = devices.map((device) => resolveText(migration, device));
  migration.legacy.take(path);
}

const MOUNT = /^[^:]+:\/[^:]*(:ro|:rw)?$/;

function takeMounts(migration: Migration, draft: Draft, path: JsonPath): void {
  const { legacy } = migration;
  const written = legacy.at(path);
  const listed = Array.isArray(written)
    ? written.map((mount, index) => ({ mount: textOf(mount), step: index }))
    : Object.entries(fieldsOf(written)).map(([source, target]) => ({
        mount: `${source}:${textOf(target)}`,
        step: source,
      }));
  const mounts: unknown[] = [];
  for (const { mount, step } of listed) {
    const resolved = resolveText(migration, mount);
    if (isOpen(resolved) || MOUNT.test(textOf(resolved))) {
      draft.origins.set(`container.mounts[${mounts.length}]`, printPath([...path, step]));
      mounts.push(resolved);
      legacy.take([...path, step]);
      continue;
    }
    say(migration, 'not_carried', {
      path: [...path, step],
      why: 'a mount here is source:/target or source:/target:ro',
      todo: 'write it under container.mounts',
    });
  }
  if (mounts.length > 0) draft.container = { ...draft.container, mounts };
}

/** Variables that the adapter sets from the nodes of a run. */
const OF_THE_RUN =
  /^(?:NNODES|NODE_RANK|RANK|WORLD_SIZE|LOCAL_RANK|MASTER_ADDR|MASTER_PORT|JAX_COORDINATOR_(?:IP|PORT))$/;

/** Takes environment variables; those that hold a secret are declared instead, and their values go nowhere. */
export function assignEnvironment(migration: Migration, draft: Draft, path: JsonPath): void {
  for (const [name, value] of migration.legacy.fields(path)) {
    setVariable(migration, draft, { name, value, from: [...path, name] });
  }
}

/** An environment variable, and where a legacy file sets it. */
interface Variable {
  readonly name: string;
  readonly value: unknown;
  readonly from: JsonPath;
}

/** Takes one environment variable. */
export function setVariable(migration: Migration, draft: Draft, { name, value, from }: Variable): void {
  const { container } = draft;
  if (OF_THE_RUN.test(name)) {
    const why = 'the adapter sets it from the nodes of each run';
    say(migration, 'not_carried', { path: from, why, todo: '' });
  } else if (soundsSecret(name)) {
    draft.secrets[name.toLowerCase()] = { kind: 'SecretValue', source: 'env', env_var: name };
    const why = `a secret: declared under secrets, and taken from the variable ${name}`;
    say(migration, 'changed', { path: from, why, todo: `export ${name} before a run` });
  } else if (
    container !== null &&
    /^[A-Za-z_]\w*$/.test(name) &&
    ['string', 'number', 'boolean'].includes(typeof value)
  ) {
    // A variable is text: "1" stays what it is.
    container['env'] = { ...fieldsOf(container['env']), [name]: resolveText(migration, value) };
    remember(migration, draft, { from, to: `container.env.${name}` });
  }
}

/** The network settings of a legacy config and the variables that they became in its containers. */
const NETWORK: Readonly<Record<string, string>> = {
  nccl_ib_hca: 'NCCL_IB_HCA',
  nccl_socket_ifname: 'NCCL_SOCKET_IFNAME',
  gloo_socket_ifname: 'GLOO_SOCKET_IFNAME',
  gloo_tcp_ifname: 'GLOO_TCP_IFNAME',
  nccl_ib_gid_index: 'NCCL_IB_GID_INDEX',
};

/** Takes the network settings of several nodes as the variables that they were; one node needs none. */
export function assignNetwork(migration: Migration, draft: Draft, at: { block: JsonPath; isOneNode: boolean }): void {
  const { legacy } = migration;
  for (const [field, name] of Object.entries(NETWORK)) {
    const from = [...at.block, field];
    const value = legacy.at(from);
    if (value === undefined) continue;
    if (at.isOneNode) {
      const why = 'one node talks to no other';
      say(migration, 'not_carried', { path: from, why, todo: `with more nodes set container.env.${name}` });
    } else {
      setVariable(migration, draft, { name, value, from });
    }
  }
  const debug = [...at.block, 'nccl_debug'];
  const level = legacy.at(debug);
  if (level !== undefined) setVariable(migration, draft, { name: 'NCCL_DEBUG', value: level, from: debug });
}

/** Takes the file of the Hugging Face token as the variable that holds the token. */
export function assignToken(migration: Migration, draft: Draft): void {
  for (const path of [
    ['paths', 'hf_token_file'],
    ['config', 'hf_token_file'],
  ]) {
    const file = migration.legacy.at(path);
    if (typeof file !== 'string') continue;
    draft.secrets['hf_token'] = { kind: 'SecretValue', source: 'env', env_var: 'HF_TOKEN' };
    say(migration, 'changed', {
      path,
      why: 'a secret comes from an environment variable here, not from a file',
      todo: exportFrom(substitute(migration, file)),
    });
  }
}

const UNKNOWN = /\{[A-Za-z][\w.-]*\}|<changeme[^<>]*>/gi;
// What every shell takes as it is: a ~ in quotes would be no home.
const BARE = /^[\w./~+@{}-]+$/;

function exportFrom(file: string): string {
  const line = `export HF_TOKEN="$(cat ${BARE.test(file) ? file : shellWord(file)})" before a run`;
  const unknown = [...new Set(file.match(UNKNOWN))];
  return unknown.length === 0 ? line : `${line}, with ${unknown.join(' and ')} filled in`;
}

/** Takes a setting that is a number or a boolean, outside of params. */
export function takeSeed(migration: Migration, draft: Draft, from: JsonPath): void {
  const seed = plain(migration.legacy.at(from));
  if (typeof seed === 'number' && Number.isInteger(seed) && seed >= 0) {
    draft.seed = seed;
    remember(migration, draft, { from, to: 'seed' });
  }
}
