import { defineConfig } from 'vitest/config';
import ours from '../vitest.config.ts';

/** Commands on stored runs, and servers: they start no Vitest, so that another one changes nothing. */
const WITHOUT_VITEST = ['export', 'gc', 'import', 'kept-servers', 'llama-cpp-server', 'query'];

/** They start a Vitest inside the one that runs them, which is ours and on our Node. */
const IN_PROCESS = ['empty-listing', 'name-pattern'];

export default defineConfig({
  ...ours,
  test: {
    ...ours.test,
    include: ['test/e2e/**/*.test.ts'],
    exclude: [...WITHOUT_VITEST, ...IN_PROCESS].map((name) => `test/e2e/${name}.test.ts`),
  },
});
