import { assay } from 'vitest-assay';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [assay({ configs: 'configs/**/*_cpu.yaml', artifacts: 'runs' })],
  // This project's own tests live beside: npm test.
  test: { include: [] },
});
