// Runs test/e2e with the Vitest and the Node that are locked in this folder instead of our own.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const repository = join(here, '../..');
// Below our node_modules: what is not in its own is found in ours.
const folder = join(repository, 'node_modules/.cache/compat');
const modules = join(folder, 'node_modules');

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

function start(file, args, options = {}) {
  const { status, error } = spawnSync(file, args, { stdio: 'inherit', ...options });
  if (error !== undefined) throw error;
  return status ?? 1;
}

/** The package with a Node for this machine; undefined where none is published. */
function nodePackage() {
  const isMusl = process.platform === 'linux' && process.report.getReport().header.glibcVersionRuntime === undefined;
  const { packages } = readJson(join(here, 'package-lock.json'));
  const found = Object.entries(packages).find(
    ([path, { os, cpu }]) => /^node_modules\/node-[^/]+$/.test(path) && os === process.platform && cpu === process.arch,
  );
  return isMusl ? undefined : found?.[0];
}

function isInstalled() {
  const lock = join(folder, 'package-lock.json');
  // npm writes the hidden one when it is done.
  if (!existsSync(lock) || !existsSync(join(modules, '.package-lock.json'))) return false;
  return readFileSync(lock, 'utf8') === readFileSync(join(here, 'package-lock.json'), 'utf8');
}

function install() {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const file of ['package.json', 'package-lock.json', '.npmrc']) cpSync(join(here, file), join(folder, file));
  // Errors alone: npm runs on our own Node, which is none for this Vitest.
  const status = start('npm', ['ci', '--ignore-scripts', '--loglevel=error'], { cwd: folder });
  if (status !== 0) throw new Error(`npm ci ended with ${status}`);
}

/** Puts what we publish beside that Vitest, which its imports find there; answers the folder. */
function copyOurselves() {
  const { name, files } = readJson(join(repository, 'package.json'));
  const copy = join(modules, name);
  rmSync(copy, { recursive: true, force: true });
  for (const path of ['package.json', ...files]) cpSync(join(repository, path), join(copy, path), { recursive: true });
  return copy;
}

/** Makes, starts and writes what test/e2e/toolchain.ts reads. */
function makeToolchain(nodeFolder) {
  const node = join(folder, nodeFolder, 'bin/node');
  const vitest = join(modules, 'vitest');
  const versions = {
    node: readJson(join(folder, nodeFolder, 'package.json')).version,
    vitest: readJson(join(vitest, 'package.json')).version,
  };
  const toolchain = { node, vitest, assay: copyOurselves(), versions };
  writeFileSync(join(folder, 'toolchain.json'), JSON.stringify(toolchain));
  process.stdout.write('the end-to-end tests drive ');
  const status = start(node, [join(vitest, 'vitest.mjs'), '--version']);
  if (status !== 0) throw new Error(`${node} does not start Vitest`);
  return toolchain;
}

const nodeFolder = nodePackage();
if (nodeFolder === undefined) {
  const machine = `${process.platform} ${process.arch}`;
  process.stdout.write(`skipped: no package brings a Node 24, which Vitest 5 needs, for ${machine}\n`);
} else {
  if (!isInstalled()) install();
  const { node } = makeToolchain(nodeFolder);
  const vitest = join(repository, 'node_modules/vitest/vitest.mjs');
  const config = join(here, 'vitest.config.ts');
  process.exitCode = start(node, [vitest, 'run', '--config', config, ...process.argv.slice(2)], {
    cwd: repository,
    env: {
      ...process.env,
      ASSAY_TEST_TOOLCHAIN: folder,
      // Every pool once, with one worker or with two: all combinations are for our own Vitest.
      ASSAY_POOLS: process.env.ASSAY_POOLS ?? 'half',
      // For what is started by name.
      PATH: `${dirname(node)}${delimiter}${process.env.PATH}`,
    },
  });
}
