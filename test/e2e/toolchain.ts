import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folder of this package. */
export const REPOSITORY = new URL('../..', import.meta.url).pathname;

/** What these tests start. */
interface Toolchain {
  /** The Node binary. */
  readonly node: string;
  /** The folder of Vitest. */
  readonly vitest: string;
  /** The folder of this package, beside that Vitest. */
  readonly assay: string;
  readonly versions: { readonly node: string; readonly vitest: string };
}

function readToolchain(folder: string): Toolchain {
  return JSON.parse(readFileSync(join(folder, 'toolchain.json'), 'utf8')) as Toolchain;
}

function ownToolchain(): Toolchain {
  const { devDependencies } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as {
    readonly devDependencies: { readonly vitest: string };
  };
  return {
    node: process.execPath,
    vitest: join(REPOSITORY, 'node_modules/vitest'),
    assay: REPOSITORY,
    versions: { node: process.versions.node, vitest: devDependencies.vitest },
  };
}

const folder = process.env['ASSAY_TEST_TOOLCHAIN'];

/** Ours, or the one that test/compat/run.mjs made in ASSAY_TEST_TOOLCHAIN. */
export const TOOLCHAIN: Toolchain = folder === undefined ? ownToolchain() : readToolchain(folder);

/** The Node binary that everything is started with. */
export const NODE = TOOLCHAIN.node;

/** The script of the command `vitest`. */
export const VITEST_SCRIPT = join(TOOLCHAIN.vitest, 'vitest.mjs');

/** The script of the command `assay`. */
export const COMMAND = join(TOOLCHAIN.assay, 'dist/cli/main.js');
