import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readManifest } from '../../src/evidence/run-reader.ts';
import { emulatedProject, HOST_TOOLS } from '../e2e/emulated.ts';
import { ONE_CELL, REPOSITORY } from '../e2e/project.ts';
import type { Project } from '../e2e/project.ts';
import { dockerMissing, startDocker } from './docker-engine.ts';
import { importImage } from './image.ts';

// The frameworks that have no engine here, in containers of an image that is made here; the embedded two beside them.

const IMAGE = 'assay-emulators:latest';
const CONTAINER = `container: {image: "${IMAGE}", pull: never}\n`;

/** What runs here for real, outside of any container. */
const EMBEDDED = {
  'configs/serving.yaml': ONE_CELL.replace('test_id: quick', 'test_id: served'),
  'configs/training.yaml': `schema_version: "2"
test_id: trained
target_gpu: cpu
framework: jax_js
workload_kind: training
topology: {roles: {worker: {count: 1, selector: cpu}}}
model: {id: byte_llama, precision: f32}
dataset: {id: corpus, path: ${join(REPOSITORY, 'fixtures/models/corpus')}}
params: {ranks: 2, steps: 6, micro_batch_size: 1, sequence_length: 64}
benchmarks: [loss_finite]
timeouts: {launch: 60s}
`,
};

const noDocker = await dockerMissing();

describe.skipIf(noDocker !== null)(`the frameworks in containers${noDocker === null ? '' : `: ${noDocker}`}`, () => {
  let engine: Awaited<ReturnType<typeof startDocker>>;
  beforeAll(async () => {
    engine = await startDocker();
    await importImage('docker', engine, { name: IMAGE, content: 'emulators' });
  });
  afterAll(() => engine?.close());

  const projectOf = (emulate = ''): Project =>
    emulatedProject({
      change: (config) => `${config}${CONTAINER}`,
      files: EMBEDDED,
      // The programs are in the image alone.
      env: { ...engine.env, PATH: [HOST_TOOLS, process.env['PATH']].join(delimiter) },
      emulate,
    });

  it('are planned and run in one session, each cell once, the embedded ones beside them', async () => {
    const { exitCode, screen, launched } = await projectOf().run();
    const ran = launched.map((folder) => readManifest(folder));
    expect(ran.map(({ test_id, cell_id, status }) => `${test_id}/${cell_id} ${status}`)).toEqual([
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
      'served/balanced-conc2 passed',
      'trained/default passed',
    ]);
    expect(exitCode, screen).toBe(0);
    for (const { launches, container, teardown } of ran.filter(({ test_id }) => test_id.startsWith('emulated'))) {
      expect(launches.every((launch) => launch.container !== null)).toBe(true);
      expect(container).toMatchObject({ image: IMAGE, digest: expect.stringMatching(/^sha256:/) });
      expect(teardown).toMatchObject({ orphans: 0, unconfirmed: [], error: null });
    }
  });

  it('are sliced by framework and topology', async () => {
    const { launched } = await projectOf().run('-t', 'framework_sglang_disagg 2p2d');
    expect(launched.map((folder) => readManifest(folder).cell_id)).toEqual(['2p2d-conc4']);
  });
});
