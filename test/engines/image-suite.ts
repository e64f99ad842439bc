import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { ensureImage, findImage } from '../../src/exec/container-image.ts';
import { IMAGE, shell } from './container-bench.ts';
import type { Bench } from './container-bench.ts';
import { imageTar } from './image.ts';
import { startRegistry } from './registry.ts';
import type { Registry } from './registry.ts';

const NOWHERE = `sha256:${'0'.repeat(64)}`;

/** How images are found, fetched and identified. */
export function describeImages(bench: () => Bench): void {
  let registry: Registry;
  beforeAll(async () => {
    registry = await startRegistry(await imageTar('shell'));
    bench().engine.trust(registry.address);
  });
  beforeEach(() =>
    bench()
      .client('image', 'rm', '--force', registry.reference)
      .catch(() => ''),
  );
  afterAll(() => registry?.close());

  it('identifies an image that came from no registry by its id', async () => {
    const { spec, executor, imageId } = bench();
    expect(await findImage(executor(), spec())).toBe(imageId);
    expect(await ensureImage(executor(), spec())).toEqual({ id: imageId, digest: imageId });
    const { process } = await bench().start(shell('true'), {}, { digest: imageId });
    await process.stop(0);
    expect(process.id).toMatchObject({ image: imageId });
  });

  it('refuses another image than the pinned one, and names both', async () => {
    const { spec, executor, imageId, start } = bench();
    const both = { code: 'SETUP_FAILED', message: expect.stringMatching(new RegExp(`${NOWHERE}.*${imageId}`)) };
    const pinned = spec({ digest: NOWHERE });
    expect(await findImage(executor(), pinned)).toBeNull();
    await expect(ensureImage(executor(), pinned)).rejects.toMatchObject(both);
    await expect(start(shell('true'), {}, { digest: NOWHERE })).rejects.toMatchObject(both);
  });

  it('does not fetch what it must not', async () => {
    const { spec, executor } = bench();
    const asked = registry.asked();
    const missing = spec({ image: registry.reference, pull: 'never' });
    expect(await findImage(executor(), missing)).toBeNull();
    await expect(ensureImage(executor(), missing)).rejects.toMatchObject({
      message: `the image ${registry.reference} is not on here`,
      hint: expect.stringContaining('container.pull: missing'),
    });
    expect(registry.asked()).toBe(asked);
  });

  it('fetches what is missing, once, and identifies it by the digest of its registry', async () => {
    const { spec, executor, imageId } = bench();
    const missing = spec({ image: registry.reference, pull: 'missing' });
    const image = await ensureImage(executor(), missing);
    expect(image.digest).toBe(registry.digest());
    expect([image.digest, imageId]).not.toContain(image.id);
    const asked = registry.asked();
    registry.moveTag();
    expect(await ensureImage(executor(), missing)).toEqual(image);
    expect(await findImage(executor(), missing)).toBe(image.digest);
    expect(registry.asked()).toBe(asked);
  });

  it('fetches it again when it always must', async () => {
    const { spec, executor } = bench();
    const always = spec({ image: registry.reference, pull: 'always' });
    const first = await ensureImage(executor(), always);
    const moved = registry.moveTag();
    const second = await ensureImage(executor(), always);
    expect(second.digest).toBe(moved);
    expect(second.id).not.toBe(first.id);
  });

  it('fetches the pinned image although its tag has moved on, and starts that', async () => {
    const { spec, executor, start } = bench();
    const digest = registry.digest();
    registry.moveTag();
    const untagged = { image: registry.reference, pull: 'missing' } as const;
    const newer = await ensureImage(executor(), spec(untagged));
    const pinned = await ensureImage(executor(), spec({ ...untagged, digest }));
    expect(pinned.digest).toBe(digest);
    expect(pinned.id).not.toBe(newer.id);
    const { process, containerId } = await start(shell('true'), {}, { ...untagged, digest });
    const usedId = await bench().client('container', 'inspect', '--format', '{{.Image}}', containerId);
    await process.stop(0);
    expect(`sha256:${usedId.replace('sha256:', '')}`).toBe(pinned.id);
    const inName = spec({ ...untagged, image: `${registry.reference.replace(/:1$/, '')}@${digest}` });
    expect(await findImage(executor(), inName)).toBe(digest);
  });

  it('says in the words of the engine why it could not be fetched', async () => {
    const { spec, executor } = bench();
    const image = registry.reference.replace('tool:1', `tool@${NOWHERE}`);
    await expect(ensureImage(executor(), spec({ image, pull: 'missing' }))).rejects.toMatchObject({
      message: expect.stringMatching(/could not pull .*: [^]*manifest unknown/),
      hint: expect.stringContaining(`pull ${image}`),
    });
  });

  it('knows nothing of images on a host without the engine', async () => {
    const { spec, executor } = bench();
    const path = process.env['PATH'];
    process.env['PATH'] = '/nowhere';
    try {
      expect(await findImage(executor(), spec())).toBeNull();
      await expect(executor().findLabelled('no-run')).rejects.toThrow(/does not answer, so nobody knows/);
      await expect(ensureImage(executor(), spec())).rejects.toMatchObject({
        message: expect.stringMatching(new RegExp(`could not look for the image ${IMAGE}`)),
        hint: expect.stringContaining('is installed on this host'),
      });
    } finally {
      process.env['PATH'] = path;
    }
  });

  // The last one: the registry answers nobody any more.
  it('stops fetching when it is aborted', async () => {
    const { spec, executor } = bench();
    const stop = new AbortController();
    const fetching = ensureImage(executor(), spec({ image: registry.reference, pull: 'always' }), stop);
    await registry.fallSilent();
    stop.abort(new Error('enough'));
    await expect(fetching).rejects.toThrow('enough');
  });
}
