import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { installedVersion } from '../../../../src/adapters/shared/installed-version.ts';
import { jaxJs } from '../../../../src/adapters/jax-js/index.ts';
import { llamaCpp } from '../../../../src/adapters/llama-cpp/index.ts';
import type { Workload } from '../../../../src/config/schema/schema.ts';

const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  readonly devDependencies: Readonly<Record<string, string>>;
};
const workloadOf = (backend: string): Workload => ({ knobs: { backend } }) as unknown as Workload;

describe('installedVersion', () => {
  it.each(['node-llama-cpp', '@jax-js/jax', 'oxlint'])('finds that of %s', (name) => {
    expect(installedVersion(name)).toBe(devDependencies[name]);
  });

  it('knows none of a package that is not there', () => {
    expect(installedVersion('no-such-package')).toBeNull();
  });
});

describe('the engines of this installation', () => {
  it('are those that do the work', () => {
    expect(llamaCpp.engine?.(workloadOf('node-llama-cpp'))).toEqual({
      'node-llama-cpp': devDependencies['node-llama-cpp'],
    });
    expect(llamaCpp.engine?.(workloadOf('llama-server'))).toBeNull();
    expect(jaxJs.engine?.(workloadOf('wasm'))).toEqual({ '@jax-js/jax': devDependencies['@jax-js/jax'] });
  });
});
