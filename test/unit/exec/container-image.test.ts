import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ContainerSpec } from '../../../src/config/schema/container.ts';
import { ensureImage, findImage } from '../../../src/exec/container-image.ts';
import { localExecutor } from '../../../src/exec/local.ts';

const [ID, ONE, TWO] = ['1', '2', '3'].map((digit) => digit.repeat(64)) as [string, string, string];

// In the place of docker: images that it knows by their references, and nothing to pull from.
describe('findImage', () => {
  const host = localExecutor('n1');
  let path: string | undefined;
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'client-'));
    path = process.env['PATH'];
    process.env['PATH'] = `${folder}:${path}`;
  });
  afterEach(() => {
    process.env['PATH'] = path;
  });

  it.each([
    ['busybox:1.35', `docker.io/library/busybox@sha256:${ONE}`],
    ['busybox', `busybox@sha256:${ONE}`],
    ['rocm/vllm:0.10', `docker.io/rocm/vllm@sha256:${ONE}`],
    ['docker.io/rocm/vllm:0.10', `rocm/vllm@sha256:${ONE}`],
    ['host:5000/vllm', `host:5000/vllm@sha256:${ONE}`],
    ['host:5000/a/vllm:1', `host:5000/a/vllm@sha256:${ONE}`],
  ])('takes the digest of the registry that %s names', async (image, repoDigest) => {
    client({ [image]: [`elsewhere/x@sha256:${TWO}`, repoDigest] });
    expect(await findImage(host, spec({ image }))).toBe(`sha256:${ONE}`);
  });

  it('takes the id of an image that came from no registry, in one spelling for both engines', async () => {
    client({ 'tool:1': [`localhost/tool@sha256:${ONE}`] });
    expect(await findImage(host, spec({ image: 'tool:1' }))).toBe(`sha256:${ID}`);
    client({ 'tool:1': null }, `sha256:${ID}`);
    expect(await findImage(host, spec({ image: 'tool:1' }))).toBe(`sha256:${ID}`);
  });

  it('takes the same of several digests every time', async () => {
    const digests = [`a/tool@sha256:${TWO}`, `a/tool@sha256:${ONE}`];
    client({ 'a/tool': digests });
    expect(await findImage(host, spec({ image: 'a/tool' }))).toBe(`sha256:${ONE}`);
    client({ 'a/tool': digests.toReversed() });
    expect(await findImage(host, spec({ image: 'a/tool' }))).toBe(`sha256:${ONE}`);
  });

  it('is the pinned digest or nothing', async () => {
    client({ 'a/tool:1': [`a/tool@sha256:${ONE}`, `a/tool@sha256:${TWO}`] });
    const pinned = (digest: string): ContainerSpec => spec({ image: 'a/tool:1', digest: `sha256:${digest}` });
    expect(await findImage(host, pinned(TWO))).toBe(`sha256:${TWO}`);
    expect(await findImage(host, pinned(ID))).toBe(`sha256:${ID}`);
    expect(await findImage(host, pinned('0'.repeat(64)))).toBeNull();
    expect(await findImage(host, spec({ image: `a/tool@sha256:${ONE}` }))).toBeNull();
  });

  it('pulls what is pinned without its tag, and says what it found instead', async () => {
    client({ 'host:5000/tool:1': [`host:5000/tool@sha256:${ONE}`] });
    const wanted = { image: 'host:5000/tool:1', digest: `sha256:${TWO}`, pull: 'missing' } as const;
    const reference = `host:5000/tool@sha256:${TWO}`;
    await expect(ensureImage(host, spec(wanted))).rejects.toMatchObject({
      code: 'SETUP_FAILED',
      message: `docker on n1 could not pull ${reference} (the config pins sha256:${TWO}, the host has sha256:${ONE}): no way to ${reference}`,
      hint: expect.stringContaining(`docker pull ${reference}`),
    });
  });

  function client(images: Readonly<Record<string, readonly string[] | null>>, id = ID): void {
    const cases = Object.entries(images).map(
      ([name, digests]) => `'${name}') echo '${id} ${JSON.stringify(digests)}' ;;`,
    );
    const script = `#!/bin/sh
case "$1" in
  pull) echo "no way to $3" >&2; exit 1 ;;
esac
case "$5" in
  ${cases.join('\n  ')}
  *) echo "Error: No such image: $5" >&2; exit 1 ;;
esac
`;
    writeFileSync(join(folder, 'docker'), script);
    chmodSync(join(folder, 'docker'), 0o755);
  }
});

function spec(changes: Partial<ContainerSpec>): ContainerSpec {
  return { image: '', runtime: 'docker', pull: 'never', env: {}, mounts: [], devices: [], ...changes };
}
