import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { TOOLCHAIN } from '../e2e/toolchain.ts';
import ours from '../vitest.config.ts';

/** Commands on stored runs, and servers: they start no Vitest, so that another one changes nothing. */
const WITHOUT_VITEST = ['export', 'gc', 'import', 'kept-servers', 'llama-cpp-server', 'query'];

export default defineConfig({
  ...ours,
  // For tests that start a Vitest inside the one that runs them, which is ours.
  resolve: { alias: { 'vitest/node': join(TOOLCHAIN.vitest, 'dist/node.js') } },
  test: {
    ...ours.test,
    include: ['test/e2e/**/*.test.ts'],
    exclude: WITHOUT_VITEST.map((name) => `test/e2e/${name}.test.ts`),
  },
});
