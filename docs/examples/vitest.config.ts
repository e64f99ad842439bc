import { assay } from 'vitest-assay';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [assay({ configs: 'configs/*.yaml', suites: ['builtin', 'suites'], artifacts: 'runs' })],
  test: { include: ['tests/**/*.test.ts'] },
});
