import type * as jax from '@jax-js/jax';
import { AssayError } from '../../core/errors.ts';
import { installedVersion } from '../shared/installed-version.ts';

/** Where the autodiff engine comes from. */
export const JAX_PACKAGE = '@jax-js/jax';

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

function notInstalled(cause?: unknown): AssayError {
  return new AssayError('SETUP_FAILED', 'cannot load the package @jax-js/jax, which trains the tiny model', {
    hint: 'install it beside the plugin: npm install --save-dev @jax-js/jax@0.1.25',
    cause,
  });
}

/** The installed version of @jax-js/jax; that there is none is a known error. */
export function jaxVersion(): string {
  const version = installedVersion(JAX_PACKAGE);
  if (version === null) throw notInstalled();
  return version;
}
