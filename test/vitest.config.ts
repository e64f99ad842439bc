import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/temporary.ts',
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // On a busy machine a second, the default, is no time.
    expect: { poll: { timeout: 20_000 } },
    // Half of the time an end-to-end test waits for a process.
    maxWorkers: Math.max(2, availableParallelism() - 1),
  },
});
