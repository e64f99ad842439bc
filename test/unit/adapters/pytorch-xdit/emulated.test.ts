import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planPytorchXdit } from '../../../../src/adapters/pytorch-xdit/launch.ts';
import { parsePytorchXdit } from '../../../../src/adapters/pytorch-xdit/parse.ts';
import { commandOf, requestOf, runWith } from '../shared/program-probe.ts';

const BIN = new URL('../../../../fixtures/emulators/bin', import.meta.url).pathname;
const FLUX = {
  pipeline: 'flux_t2i',
  prompt: 'A small cat',
  num_inference_steps: 2,
  num_repetitions: 3,
  ulysses_degree: 2,
};

/** Runs the planned command with emulated programs; what it left is in a run directory then. */
function run(params: object) {
  const scratch = mkdtempSync(join(tmpdir(), 'scratch-'));
  const request = requestOf({
    params: { ...params },
    hosts: { worker: ['n0'] },
    workload: { model: { id: 'm', path: 'm' } },
  });
  const { file, args } = commandOf(planPytorchXdit(request, scratch).workers[0]);
  const env = { ...process.env, PATH: `${BIN}:${process.env['PATH'] ?? ''}`, EMULATE: '' };
  const { status, stdout, stderr } = spawnSync(file, args, { env, encoding: 'utf8' });
  const names = readdirSync(scratch, { recursive: true, encoding: 'utf8' }).map((name) => join(scratch, name));
  const left = names.filter((name) => statSync(name).isFile() && /\.(?:json|mp4)$/.test(name));
  const files = Object.fromEntries(
    left.map((name) => [`attachments/xdit/n0/${relative(scratch, name)}`, readFileSync(name)]),
  );
  const manifest = { params, bindings: { worker: ['n0'] }, launches: [{ role: 'worker', argv: [file, ...args] }] };
  return { status, stderr, ...runWith({ ...files, 'logs/worker.n0.log': stdout }, manifest) };
}

describe('the emulated scripts take what is planned, and leave what is parsed', () => {
  it.each<[string, object, number]>([
    ['Flux', FLUX, 3],
    ['the runner of xDiT, whose first is a warm-up', { ...FLUX, script: '/app/xfuser/runner.py' }, 2],
    ['Wan', { pipeline: 'wan_i2v', prompt: 'A boat', frame_num: 5, num_benchmark_steps: 2, ring_degree: 2 }, 2],
  ])('%s', async (_name, params, pictures) => {
    const { status, stderr, context, samples } = run(params);
    expect([status, stderr]).toEqual([0, '']);
    await parsePytorchXdit(context);
    expect(samples.map(({ more }) => more?.['seed'])).toEqual(Array.from({ length: pictures }, () => 7));
  });

  it('but not a flag that they do not have', () => {
    const { status, stderr } = run({ ...FLUX, run_args: { sideways: true } });
    expect([status, stderr]).toEqual([2, expect.stringContaining('unrecognized arguments: --sideways')]);
  });
});
