import { describe, expect, it } from 'vitest';
import { readManifest } from '../../src/evidence/run-reader.ts';
import { emulatedProject } from './emulated.ts';

// Every framework that has no engine here, run by programs that behave like its own: through its real adapter, the job
// and Vitest. What they say of speed is made up.

describe('the emulated frameworks', () => {
  it('are launched once per cell, parsed and judged, all in one session', async () => {
    const project = emulatedProject();
    const { exitCode, screen, tests, launched } = await project.run();
    const ran = launched.map((folder) => readManifest(folder));
    const failed = tests.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName);
    expect({ failed, runs: ran.map(({ test_id, cell_id, status }) => `${test_id}/${cell_id} ${status}`) }).toEqual({
      failed: [],
      runs: [
        'emulated_flux/default passed',
        'emulated_inferencemax/conc4 passed',
        'emulated_jax/default passed',
        'emulated_megatron/mbs1 passed',
        'emulated_sglang/1p3d-conc4 passed',
        'emulated_sglang/2p2d-conc4 passed',
        'emulated_torchtitan/default passed',
        'emulated_vllm/conc2 passed',
        'emulated_vllm/conc4 passed',
        'emulated_wan/default passed',
      ],
    });
    expect(exitCode, screen).toBe(0);
    for (const { teardown } of ran) expect(teardown).toMatchObject({ orphans: 0, unconfirmed: [], error: null });
  });

  it('are sliced by framework and topology', async () => {
    const { launched, exitCode, screen } = await emulatedProject().run('-t', 'framework_sglang_disagg 2p2d');
    expect(exitCode, screen).toBe(0);
    const [manifest, ...others] = launched.map((folder) => readManifest(folder));
    expect(others).toEqual([]);
    expect(manifest).toMatchObject({
      test_id: 'emulated_sglang',
      cell_id: '2p2d-conc4',
      bindings: { prefill: ['n1', 'n2'], decode: ['n3', 'n4'], router: ['n1'] },
    });
  });
});
