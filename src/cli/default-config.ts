import { assay } from 'vitest-assay';

/** The Vitest config of a folder whose own has no plugin: configs and runs where the plugin looks by itself, no other tests. */
export default { plugins: [assay()], test: { include: [] } };
