import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type * as jax from '@jax-js/jax';
import { z } from 'zod';
import { AssayError } from '../../core/errors.ts';

/** The loaded autodiff engine. */
export type Jax = typeof jax;

/** Loads @jax-js/jax and starts its WebAssembly device; a missing package is a known error, it is an optional peer. */
export async function loadJax(): Promise<Jax> {
  const jax = await importJax();
  // A bare init() would probe the browser's devices, which Node does not have.
  await jax.init('wasm');
  return jax;
}

async function importJax(): Promise<Jax> {
  try {
    return await import('@jax-js/jax');
  } catch (cause) {
    throw notInstalled(cause);
  }
}

function notInstalled(cause: unknown): AssayError {
  return new AssayError('SETUP_FAILED', 'cannot load the package @jax-js/jax, which trains the tiny model', {
    hint: 'install it beside the plugin: npm install --save-dev @jax-js/jax@0.1.25',
    cause,
  });
}

/** The installed version of @jax-js/jax; that there is none is a known error. */
export function jaxVersion(): string {
  // The package exports no package.json, so it is found from the entry file beside it.
  const entry = entryFile();
  const packageFile = join(dirname(entry), '..', 'package.json');
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(packageFile, 'utf8'))).version;
}

function entryFile(): string {
  try {
    return createRequire(import.meta.url).resolve('@jax-js/jax');
  } catch (cause) {
    throw notInstalled(cause);
  }
}
