import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import type { PlanReport } from '../../src/session/plan-report.ts';
import { COMMAND, NODE, ONE_CELL, Project, QUICK_CONFIG } from './project.ts';

/** Starts the command in a project, without a terminal. */
const start = (project: Project, ...args: readonly string[]) =>
  execa(NODE, [COMMAND, ...args], { cwd: project.root, reject: false, env: { CI: 'true' } });

async function assay(project: Project, ...args: readonly string[]) {
  const { stdout, stderr, exitCode } = await start(project, ...args);
  return { stdout, stderr, exitCode };
}

async function planOf(project: Project, ...args: readonly string[]): Promise<PlanReport> {
  const { stdout, stderr } = await assay(project, 'plan', '--json', ...args);
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as PlanReport;
}

const idsOf = ({ cells }: PlanReport) => cells.map(({ id }) => id);

describe('assay plan', () => {
  let project: Project;
  beforeAll(() => {
    project = new Project({ 'configs/quick.yaml': QUICK_CONFIG });
  });

  it('shows every cell with its nodes and claims, and launches nothing', async () => {
    const { stdout, stderr, exitCode } = await assay(project, 'plan');
    expect(`\n${stdout}\n`).toMatchInlineSnapshot(`
      "
       cell                 role -> node         claims  estimate  cached  note

       quick · llama_cpp · byte_llama · cpu · 6 cells · configs/quick.yaml
       balanced-conc1       server -> localhost  18      -         -       never run here
       balanced-conc2       server -> localhost  18      -         -       never run here
       balanced-conc4       server -> localhost  18      -         -       never run here
       prefill_heavy-conc1  server -> localhost  18      -         -       never run here
       prefill_heavy-conc2  server -> localhost  18      -         -       never run here
       prefill_heavy-conc4  server -> localhost  18      -         -       never run here

       6 cells · 6 runnable · 0 skipped · 108 claims · no estimate yet, on 1 node
      "
    `);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(readdirSync(project.root).sort()).toEqual(['configs', 'node_modules', 'package.json', 'vitest.config.js']);
  });

  it('prints the same as one JSON document', async () => {
    const { cells, totals } = await planOf(project);
    const hash = expect.stringMatching(/^sha256:[0-9a-f]{64}$/);
    expect(cells[0]).toEqual({
      id: 'balanced-conc1',
      test_id: 'quick',
      config: 'configs/quick.yaml',
      framework: 'llama_cpp',
      model: 'byte_llama',
      target_gpu: 'cpu',
      tags: expect.arrayContaining(['framework_llama_cpp', 'knob_quant_f32', 'cell_balanced_conc1']),
      axes: { isl_osl: 'balanced', isl: 16, osl: 8, concurrency: 1 },
      bindings: { server: ['localhost'] },
      status: 'runnable',
      reason: null,
      claims: expect.arrayContaining([
        { name: 'throughput', tier: 5, file: expect.stringMatching(/suites\/benchmarks\/throughput\.test\.ts$/) },
      ]),
      estimate_s: null,
      cached: null,
      workload_hash: hash,
      verification_hash: hash,
      experiment_id: 'llama_cpp/byte_llama/f32+-+node-llama-cpp/cpu',
      bracket: '[llama_cpp-byte_llama-cpu-f32-balanced-conc1]',
    });
    expect(totals).toMatchObject({ cells: 6, runnable: 6, skipped: 0, nodes: 1, estimate_s: null, unknown: 6 });
    expect(totals.claims).toBe(cells.reduce((sum, { claims }) => sum + claims.length, 0));
  });

  it('shows the cells and claims that a run with the same filters would need', async () => {
    const byWords = await planOf(project, '-t', 'ttft_p99 conc4');
    expect(idsOf(byWords)).toEqual(['balanced-conc4', 'prefill_heavy-conc4']);
    expect(byWords.cells.map(({ claims }) => claims.map(({ name }) => name))).toEqual([['ttft_p99'], ['ttft_p99']]);
    const byTitle = await planOf(project, '-t', 'throughput[llama_cpp-byte_llama-cpu-f32-balanced-conc1]');
    expect(idsOf(byTitle)).toEqual(['balanced-conc1']);
    const byTags = await planOf(project, '--tags-filter', 'tier_5', '--tags-filter', 'cell_balanced_*');
    expect(idsOf(byTags)).toEqual(['balanced-conc1', 'balanced-conc2', 'balanced-conc4']);
    expect(byTags.totals.claims).toBe(6);
  });

  it('plans what the command line says instead of the configs and the plugin', async () => {
    project.write('other/one.yaml', ONE_CELL.replace('test_id: quick', 'test_id: other'));
    project.write('lab.yaml', 'executor: ssh\nnodes: {n1: {gpus: 8, labels: [cpu]}}\n');
    const some = await planOf(project, '--only-cells', 'balanced-conc1,*-conc4', '--only-cells', 'quick/*-conc2');
    expect(idsOf(some)).toEqual([
      'balanced-conc1',
      'balanced-conc2',
      'balanced-conc4',
      'prefill_heavy-conc2',
      'prefill_heavy-conc4',
    ]);
    const [before] = (await planOf(project)).cells;
    const [after] = (await planOf(project, '--set', 'params.num_prompts=9', '--set', 'seed=2')).cells;
    expect(after?.workload_hash).not.toBe(before?.workload_hash);
    const elsewhere = await planOf(project, '--configs', 'other/*.yaml', '--cluster', 'lab.yaml');
    expect(elsewhere.cells).toHaveLength(1);
    expect(elsewhere.cells[0]).toMatchObject({ test_id: 'other', bindings: { server: ['n1'] }, status: 'runnable' });
  });

  it('puts warnings on stderr', async () => {
    const recording = ONE_CELL.replace('seed: 1', 'seed: 1\nenforce: false').replace(/ {2}- \{kind: Rate.*\n/, '');
    const { stdout, stderr } = await assay(new Project({ 'configs/quick.yaml': recording }), 'plan', '--json');
    expect(stderr).toMatch(/^warning configs\/quick\.yaml:\d+:\d+ .*throughput/);
    expect(JSON.parse(stdout)).toMatchObject({
      totals: { cells: 1 },
      warnings: [{ file: 'configs/quick.yaml', message: expect.any(String), hint: expect.any(String) }],
    });
  });

  it('says what a commit changed', async () => {
    const versioned = new Project({ 'configs/quick.yaml': ONE_CELL });
    const git = (...args: string[]) =>
      execa('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: versioned.root });
    await git('init');
    await git('add', 'configs');
    await git('commit', '--message', 'first');
    versioned.write('configs/quick.yaml', ONE_CELL.replace('min_rate: 1', 'min_rate: 2'));
    expect((await assay(versioned, 'plan', '--diff', 'HEAD')).stdout).toMatch(/throughput: min_rate 1 -> 2/);
    const { stdout } = await assay(versioned, 'plan', '--diff', 'HEAD', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      rejudged: [{ key: 'quick/balanced-conc2' }],
      relaunched: [],
      unchanged: 0,
    });
  });

  it.each([
    [
      ['-t', 'no_such_thing'],
      /^AssayError: no claim selected - "no_such_thing" is in no tag and no name\n {2}look at /,
    ],
    [
      ['-t', 'balancd conc4'],
      /"balancd" is in no tag .* did you mean `balanced`\?\n {2}-t "conc4" {3}2 cells, \d+ claims/,
    ],
    [
      ['-t', 'throughput ttft_p99'],
      /nothing has "throughput" and "ttft_p99" together\n {2}-t "throughput" {3}.*\n {2}-t "/,
    ],
    [
      ['-t', 'config_other'],
      /no name\n {2}other\/\S+\.yaml has it, but configs are configs\/\*\*\/\*\.yaml: widen assay/,
    ],
    [['--only-cells', ''], /--only-cells has no value/],
    [['--configs', 'configs'], /this is a folder\n {3}next: write --configs 'configs\/\*\*\/\*\.yaml'$/],
    [['--tags-filter', 'tier_5 & tier_1'], /has an unexpected "&" at 8\n {3}next: write "&&"$/],
    [['--only-cells', 'balanced-conc3'], /--only-cells balanced-conc3 matches none of 6 cells\n {3}next: did you mean/],
    [['--configs', 'nowhere/*.yaml'], /no config matches nowhere\/\*\.yaml in .*\n {3}next: /],
    [['--diff', 'HEAD', '-t', 'quick'], /--diff compares all claims of the cells\n {3}next: leave out -t/],
  ])('refuses %j with what to do', async (args, message) => {
    const { stdout, stderr, exitCode } = await assay(project, 'plan', ...args);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('    at ');
    expect(stdout).toBe('');
    expect(exitCode).toBe(2);
  });

  it('ends quietly when its reader has seen enough', async () => {
    const { stdout, stderr } = await execa(`"${NODE}" "${COMMAND}" plan --json | head -c 10`, {
      cwd: project.root,
      shell: true,
    });
    expect({ stdout, stderr }).toEqual({ stdout: '{"cells": ', stderr: '' });
  });
});

describe('a folder that is not ready', () => {
  it('hears of every mistake in its configs, from plan and from run, before anything starts', async () => {
    const broken = QUICK_CONFIG.replace('knobs:', 'knob:').replace('framework: llama_cpp', 'framework: lama_cpp');
    const project = new Project({ 'configs/quick.yaml': broken });
    for (const command of ['plan', 'run']) {
      const { stdout, stderr, exitCode } = await assay(project, command);
      expect(stderr).toMatch(/^AssayError: configs\/quick\.yaml:4:1 framework: .*lama_cpp/);
      expect(stderr).toMatch(
        /\nconfigs\/quick\.yaml:9:1 knob: .*\n\d problems in 1 of 1 file\. Nothing was launched\.\n {3}next: [^\n]*$/,
      );
      expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
    }
    expect(existsSync(join(project.root, 'runs'))).toBe(false);
  });

  it('hears of a mistake in its Vitest config, and of a missing Vitest', async () => {
    const project = new Project({ 'vitest.config.js': 'throw new Error("mine");\n' });
    const own = await assay(project, 'plan');
    expect(own.stderr).toMatch(/AssayError: Vitest does not start in .*: mine\n {3}next: mend its config/);
    rmSync(join(project.root, 'node_modules/vitest'));
    const none = await assay(project, 'plan');
    expect(none.stderr).toMatch(/^AssayError: there is no Vitest in .*\n {3}next: .*npm install --save-dev vitest$/);
    expect([own.exitCode, none.exitCode]).toEqual([2, 2]);
  });

  it.each([
    ['no Vitest config', null],
    ['a Vitest config without the plugin', `export default { test: { include: ['tests/**'] } };\n`],
  ])('needs no plugin of its own: %s', async (_, config) => {
    const files = { 'configs/quick.yaml': ONE_CELL, 'tests/own.test.js': 'throw new Error("not asked for");\n' };
    const project = new Project(config === null ? files : { ...files, 'vitest.config.js': config });
    if (config === null) rmSync(join(project.root, 'vitest.config.js'));
    expect(idsOf(await planOf(project))).toEqual(['balanced-conc2']);
    const { stdout, exitCode } = await assay(project, 'run', '-t', 'throughput');
    expect(stdout).toContain('1 claim passed · 1 launched');
    expect(exitCode).toBe(0);
    expect(project.runFolders()).toHaveLength(1);
  });
});

describe('assay run', () => {
  it('runs what plan shows, hands the rest of the line to Vitest, and leaves an estimate behind', async () => {
    const project = new Project({ 'configs/quick.yaml': QUICK_CONFIG });
    const { exitCode } = await assay(
      project,
      'run',
      '--only-cells',
      'balanced-conc*',
      '-t',
      'throughput conc4',
      '--set',
      'params.num_prompts=9',
      '--',
      '--reporter=json',
      '--outputFile=report.json',
    );
    const report = readFileSync(join(project.root, 'report.json'), 'utf8');
    expect(JSON.parse(report)).toMatchObject({ numPassedTests: 1, numTotalTests: 1, success: true });
    expect(exitCode).toBe(0);
    const [folder] = project.runFolders();
    const { cells, totals } = await planOf(project, '--set', 'params.num_prompts=9');
    const ran = cells.find(({ id }) => id === 'balanced-conc4');
    expect(ran?.estimate_s).toBeGreaterThan(0);
    expect(ran?.cached).toBe(basename(folder!));
    expect(ran?.workload_hash).toContain(basename(join(folder!, '..')));
    expect(totals).toMatchObject({ estimate_s: ran?.estimate_s, unknown: 5 });
    expect((await planOf(project)).totals.estimate_s).toBeNull();
  });

  it('ends with 1 when a claim fails', async () => {
    const missed = ONE_CELL.replace('min_rate: 1}', 'min_rate: 999999}');
    const { exitCode, stdout } = await assay(new Project({ 'configs/quick.yaml': missed }), 'run', '-t', 'throughput');
    expect(stdout).toContain('1 failed');
    expect(exitCode).toBe(1);
  });

  it('passes SIGTERM on, and ends after Vitest has', async () => {
    const slow = ONE_CELL.replace('num_prompts: 8', 'num_prompts: 100000');
    const project = new Project({
      'configs/quick.yaml': slow,
      'vitest.config.js': `import { writeFileSync } from 'node:fs';
import { assay } from 'vitest-assay';
writeFileSync('vitest.pid', String(process.pid));
export default { plugins: [assay()], test: { include: [] } };\n`,
    });
    const running = start(project, 'run');
    for await (const line of running) if (String(line).includes('await')) running.kill('SIGTERM');
    const { exitCode, signal } = await running;
    expect(exitCode === 143 || signal === 'SIGTERM').toBe(true);
    const vitest = Number(readFileSync(join(project.root, 'vitest.pid'), 'utf8'));
    expect(vitest).not.toBe(running.pid);
    expect(() => process.kill(vitest, 0)).toThrow('ESRCH');
  });
});
