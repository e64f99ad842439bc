import { AssayError } from '../core/errors.ts';
import type { ContainerSpec } from '../config/schema/container.ts';
import { ask, engineOn } from './container-engine.ts';
import type { Engine } from './container-engine.ts';
import { refusal } from './container-failure.ts';
import type { Executor } from './executor.ts';
import { isSuccess } from './exit.ts';

// A large image over a slow line.
const PULL_TIMEOUT_MS = 4 * 3_600_000;

/** An image that is on a host. */
export interface Image {
  /** What the engine finds it by there, with `sha256:` in front. */
  readonly id: string;
  /** What a run is identified by: the registry's digest, or the id of an image that came from none. */
  readonly digest: string;
}

/**
 * The digest of the image that a container would be made from on this host; null when it is not there, is
 * not the one that the config pins, or the engine does not answer.
 */
export async function findImage(executor: Executor, container: ContainerSpec): Promise<string | null> {
  const found = await lookUp(engineOn(executor, container), container);
  return found.kind === 'there' ? found.image.digest : null;
}

/** Fetches the image to the host as the pull policy says. Rejects with SETUP_FAILED. */
export async function ensureImage(
  executor: Executor,
  container: ContainerSpec,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Image> {
  const engine = engineOn(executor, container);
  const before = await lookUp(engine, container);
  if (container.pull !== 'always' && before.kind === 'there') return before.image;
  if (container.pull === 'never' || before.kind === 'silent') return accept(engine, container, before);
  const wanted = pulledReference(container);
  const options = { timeoutMs: PULL_TIMEOUT_MS, ...(signal === undefined ? {} : { signal }) };
  const pull = await ask(engine, ['pull', '--quiet', wanted], options);
  if (isSuccess(pull.exit)) return accept(engine, container, await lookUp(engine, container));
  const other = before.kind === 'other' ? ` (${describeOther(before)})` : '';
  const { message } = refusal(engine, `pull ${wanted}${other}`, pull);
  throw new AssayError('SETUP_FAILED', message, {
    hint: `check the name and that this host may pull it: ${container.runtime} pull ${wanted}; or load it there and set \`container.pull: never\``,
  });
}

/** The image of a container that is about to start: never pulls. Rejects with SETUP_FAILED when it is not there. */
export async function presentImage(engine: Engine, container: ContainerSpec): Promise<Image> {
  return accept(engine, container, await lookUp(engine, container));
}

type LookUp =
  | { readonly kind: 'there'; readonly image: Image }
  | { readonly kind: 'missing' }
  /** An image has the name, but not the digest that the config pins. */
  | { readonly kind: 'other'; readonly pinned: string; readonly found: string }
  | { readonly kind: 'silent'; readonly error: AssayError };

function accept(engine: Engine, { image, runtime }: ContainerSpec, found: LookUp): Image {
  switch (found.kind) {
    case 'there':
      return found.image;
    case 'silent':
      throw found.error;
    case 'other':
      throw new AssayError('SETUP_FAILED', `${image} on ${engine.host} is another image: ${describeOther(found)}`, {
        hint: `pull the pinned one there: ${runtime} pull ${untagged(image)}@${found.pinned}; or correct \`container.digest\``,
      });
    case 'missing':
      throw new AssayError('SETUP_FAILED', `the image ${image} is not on ${engine.host}`, {
        hint: `pull or load it there: ${runtime} pull ${image}; or set \`container.pull: missing\``,
      });
  }
}

function describeOther({ pinned, found }: Extract<LookUp, { kind: 'other' }>): string {
  return `the config pins ${pinned}, the host has ${found}`;
}

async function lookUp(engine: Engine, container: ContainerSpec): Promise<LookUp> {
  const pinned = pinnedDigest(container);
  if (pinned === null) return inspect(engine, container.image, null);
  // What is pulled by its digest gets no tag.
  const exact = await inspect(engine, `${untagged(container.image)}@${pinned}`, pinned);
  return exact.kind === 'missing' && container.digest !== undefined ? inspect(engine, container.image, pinned) : exact;
}

async function inspect(engine: Engine, reference: string, pinned: string | null): Promise<LookUp> {
  const answer = await ask(engine, ['image', 'inspect', '--format', '{{.Id}} {{json .RepoDigests}}', reference]);
  if (!isSuccess(answer.exit)) {
    return /no such image|image not known/i.test(answer.stderr)
      ? { kind: 'missing' }
      : { kind: 'silent', error: refusal(engine, `look for the image ${reference}`, answer) };
  }
  const [told = '', repoDigests = ''] = answer.stdout.split(' ');
  // Podman leaves the algorithm out.
  const id = told.startsWith('sha256:') ? told : `sha256:${told}`;
  const known = ((JSON.parse(repoDigests) ?? []) as readonly string[]).map((name) => name.split('@'));
  if (pinned !== null && (id === pinned || known.some(([, digest]) => digest === pinned))) {
    return { kind: 'there', image: { id, digest: pinned } };
  }
  const [digest = id] = known
    .filter(([name = '']) => fullName(name) === fullName(untagged(reference)))
    .map(([, found = '']) => found)
    .toSorted();
  return pinned === null ? { kind: 'there', image: { id, digest } } : { kind: 'other', pinned, found: digest };
}

function pinnedDigest({ image, digest }: ContainerSpec): string | null {
  return digest ?? /@(sha256:[0-9a-f]{64})$/.exec(image)?.[1] ?? null;
}

function pulledReference(container: ContainerSpec): string {
  const pinned = pinnedDigest(container);
  return pinned === null ? container.image : `${untagged(container.image)}@${pinned}`;
}

// A colon before the last slash belongs to the registry's port.
function untagged(reference: string): string {
  return reference.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
}

// Docker leaves out its own registry, podman writes every name in full.
function fullName(name: string): string {
  const [first = '', ...rest] = name.split('/');
  const hasRegistry = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  if (hasRegistry) return name;
  return rest.length === 0 ? `docker.io/library/${name}` : `docker.io/${name}`;
}
