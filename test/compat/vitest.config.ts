import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { TOOLCHAIN } from '../e2e/toolchain.ts';
import ours from '../vitest.config.ts';

/** Commands on stored runs, and servers: they start no Vitest, so that another one changes nothing. */
const WITHOUT_VITEST = ['export', 'gc', 'import', 'kept-servers', 'llama-cpp-server', 'migrate-config', 'query'];

/** What these are about happens in workloads and on disk; frameworks.test.ts has their sessions on this Vitest too. */
const ABOUT_WORKLOADS = ['claims-both-ways', 'training'];

export default defineConfig({
  ...ours,
  // For tests that start a Vitest inside the one that runs them, which is ours.
  resolve: { alias: { 'vitest/node': join(TOOLCHAIN.vitest, 'dist/node.js') } },
  test: {
    ...ours.test,
    include: ['test/e2e/**/*.test.ts'],
    exclude: [...WITHOUT_VITEST, ...ABOUT_WORKLOADS].map((name) => `test/e2e/${name}.test.ts`),
  },
});
