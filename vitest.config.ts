import { assay } from 'vitest-assay';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [assay({ configs: 'configs/**/*_cpu.yaml', artifacts: 'runs' })],
  // This project's own tests live beside: npm test.
  // Claims only read files: they need no process of their own per suite file.
  test: { include: [], isolate: false },
});
