import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';
import type { TestEngine } from './docker-engine.ts';

/** What an image holds: a shell and its tools, node and its libraries besides, or the emulated frameworks besides. */
export type ImageContent = 'shell' | 'node' | 'emulators';

const EMULATORS = new URL('../../fixtures/emulators', import.meta.url).pathname;

const PATHS: Readonly<Record<ImageContent, string>> = {
  shell: '/bin',
  node: '/bin',
  emulators: '/emulators/bin:/bin',
};

/** Puts an image into an engine's storage, without any registry; answers its id. */
export async function importImage(
  runtime: 'docker' | 'podman',
  { env }: TestEngine,
  { name, content }: { readonly name: string; readonly content: ImageContent },
): Promise<string> {
  const { stdout } = await execa(
    runtime,
    ['import', `--change=ENV PATH=${PATHS[content]}`, await imageTar(content), name],
    { env },
  );
  return stdout.trim().split('\n').at(-1) ?? '';
}

/** The files of an image; packed once, for packing node takes seconds. */
export async function imageTar(content: ImageContent): Promise<string> {
  const tar = join(tmpdir(), `image-${content}.tar`);
  if (existsSync(tar)) return tar;
  const folder = mkdtempSync(join(tmpdir(), 'image-'));
  const root = join(folder, 'root');
  await addShell(root);
  if (content !== 'shell') await addNode(root);
  if (content === 'emulators') addEmulators(root);
  await execa('tar', ['-C', root, '-cf', join(folder, 'image.tar'), '.']);
  // Another suite may do the same at this moment.
  renameSync(join(folder, 'image.tar'), tar);
  rmSync(folder, { recursive: true, force: true });
  return tar;
}

async function addShell(root: string): Promise<void> {
  for (const folder of ['bin', 'tmp', 'etc', 'proc', 'dev', 'sys']) mkdirSync(join(root, folder), { recursive: true });
  chmodSync(join(root, 'tmp'), 0o1777);
  const { stdout: busybox } = await execa('sh', ['-c', 'command -v busybox']);
  copyFileSync(busybox, join(root, 'bin', 'busybox'));
  const { stdout: tools } = await execa(busybox, ['--list']);
  for (const tool of tools.split('\n').filter((name) => name !== 'busybox'))
    symlinkSync('busybox', join(root, 'bin', tool));
}

/** The programs begin with `#!/usr/bin/env node`, recipes are run by bash. */
function addEmulators(root: string): void {
  cpSync(EMULATORS, join(root, 'emulators'), { recursive: true });
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  symlinkSync('/bin/busybox', join(root, 'usr/bin/env'));
  if (!existsSync(join(root, 'bin/bash'))) symlinkSync('busybox', join(root, 'bin/bash'));
}

async function addNode(root: string): Promise<void> {
  copyFileSync(process.execPath, join(root, 'bin', basename(process.execPath)));
  const { stdout } = await execa('ldd', [process.execPath]);
  const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path);
  for (const library of libraries) {
    mkdirSync(join(root, dirname(library)), { recursive: true });
    copyFileSync(library, join(root, library));
  }
}
