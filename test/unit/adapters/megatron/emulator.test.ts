import { spawnSync } from 'node:child_process';
import { delimiter } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Scalar } from '../../../../src/config/schema/framework.ts';
import { parsed } from './parsed.ts';
import { commandsOf } from './planned.ts';

const BIN = new URL('../../../../fixtures/emulators/bin', import.meta.url).pathname;

/** Runs what the adapter would on one node, with the emulated torchrun. */
function run(params: Readonly<Record<string, unknown>>, knobs: Readonly<Record<string, Scalar>> = {}, emulate = '') {
  const all = { train_iters: 2, ...params };
  const [command] = commandsOf({ params: all, more: { knobs } });
  const env = { PATH: [BIN, process.env['PATH']].join(delimiter), EMULATE: `step_ms=0,${emulate}`, ...command!.env };
  const { status, stdout, stderr } = spawnSync(command!.file, command!.args, { env, encoding: 'utf8' });
  return { status, stderr, read: () => parsed({ logs: { n1: stdout }, params: all, knobs }) };
}

/** What is in force other than was asked. */
async function missed(done: ReturnType<typeof run>) {
  const { result } = await done.read();
  return Object.entries(result.applied).filter(([, { asked, applied }]) => asked !== applied);
}

describe('an emulated Megatron-LM', () => {
  it.each<[string, Record<string, unknown>, Record<string, Scalar>?]>([
    ['nothing in particular', { dp: 8 }],
    ['all degrees', { tp: 2, pp: 2, dp: 2, cp: 2, global_batch_size: 8, micro_batch_size: 1 }],
    ['fp8', { dp: 8, precision: 'TE_FP8', fp8_format: 'e4m3', fp8_recipe: 'delayed' }],
    ['fp16', { dp: 8, precision: 'TE_FP16' }],
    ['all data ranks sharded', { fsdp: 8, tokenizer_model: 'meta-llama/Llama-3.1-8B' }],
    ['a part of them sharded', { tp: 2, fsdp: 2, dp: 2 }],
    ['experts', { dp: 8, ep: 2, extra_args: { 'num-experts': 8, moe_grouped_gemm: true } }],
    ['everything computed again', { dp: 8, recompute: 'full', recompute_method: 'block' }],
    ['flash attention', { dp: 8 }, { attention: 'fa' }],
    ['AITER', { dp: 8 }, { attention: 'aiter' }],
    [
      'every optimizer',
      { dp: 8, optimizer: 'sgd', lr: 0.5, min_lr: 0.25, weight_decay: 0, clip_grad: 1, adam_beta1: 0.5 },
    ],
    [
      'every switch',
      {
        tp: 2,
        dp: 4,
        sequence_parallel: true,
        use_distributed_optimizer: true,
        overlap_grad_reduce: true,
        overlap_param_gather: true,
        tp_comm_overlap: true,
        rope_fusion: false,
        gemm_tuning: true,
        rank_timers: true,
      },
    ],
  ])('does what is asked for %s', async (_, params, knobs) => {
    const done = run(params, knobs);
    expect(done).toMatchObject({ status: 0 });
    expect(await missed(done)).toEqual([]);
  });

  it('tells when it did something else', async () => {
    expect(await missed(run({ dp: 8 }, { attention: 'fa' }, 'wrong_attention'))).toEqual([
      ['attention', { asked: 'fa', applied: 'unfused' }],
    ]);
  });

  it.each([
    [
      { dp: 8, extra_args: { 'log-througput': true } },
      2,
      'pretrain_gpt.py: error: unrecognized arguments: --log-througput',
    ],
    [{ dp: 8, extra_args: { 'rotary-base': 'x' } }, 2, "argument --rotary-base: invalid int value: 'x'"],
    [{ dp: 8, ep: 2 }, 1, 'AssertionError: num_experts must be non None to use expert model parallelism'],
    [
      { dp: 8, extra_args: { 'num-layers': 3 }, pp: 1, lr: 0.5, min_lr: 1 },
      1,
      'AssertionError: min_lr must not be above lr',
    ],
  ])('refuses %j as the real one does', (params, status, message) => {
    const done = run(params);
    expect(done.status).toBe(status);
    expect(done.stderr).toContain(message);
  });

  it.each([
    ['dies', {}, '[rank7]: RuntimeError: Rank 7'],
    ['goes on', { 'no-check-for-nan-in-loss-and-grad': true }, ''],
  ])('%s when its loss is no number', async (_, extra_args, message) => {
    const done = run({ dp: 8, extra_args }, {}, 'nan_at_step=2');
    expect(done.status).toBe(message === '' ? 0 : 1);
    expect(done.stderr).toContain(message);
    if (message === '') expect((await done.read()).result.scalars).toMatchObject({ nan_steps: 1, loss_final: NaN });
  });
});
