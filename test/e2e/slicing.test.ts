import { basename, dirname, join } from 'node:path';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { Project, QUICK_CONFIG } from './project.ts';

let project: Project;
beforeAll(() => {
  project = new Project({
    'configs/quick.yaml': QUICK_CONFIG,
    'tests/own.test.js': `import { test } from 'vitest';\ntest('a test of the user', () => {});\n`,
  });
});

/** The cells of run directories `<test_id>/<cell>/<hash>/<run>`. */
const cellsOf = (folders: readonly string[]) => folders.map((folder) => basename(dirname(dirname(folder)))).sort();
const statusOf = (folder: string) =>
  (JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as { status: string }).status;

describe('a slice', () => {
  it('of words launches exactly the cells that carry them, each once, beside the whole tier list', async () => {
    const { launched, exitCode, tests, screen } = await project.run('-t', 'framework_llama_cpp balanced');
    expect(screen).toContain('1 config · 3 of 6 cells');
    expect(cellsOf(launched)).toEqual(['balanced-conc1', 'balanced-conc2', 'balanced-conc4']);
    expect(launched.map(statusOf)).toEqual(['passed', 'passed', 'passed']);
    expect(new Set(tests.filter(({ status }) => status === 'passed').map(({ fullName }) => fullName)).size).toBe(
      3 * 18,
    );
    expect(exitCode).toBe(0);
  });

  it('of a claim and a level registers that claim alone, for those cells alone', async () => {
    const { launched, tests } = await project.run('-t', 'ttft_p99 conc4');
    expect(cellsOf(launched)).toEqual(['balanced-conc4', 'prefill_heavy-conc4']);
    expect(
      tests.filter(({ fullName }) => fullName.includes('[')).map(({ fullName, status }) => `${fullName} ${status}`),
    ).toEqual([
      'ttft_p99[llama_cpp-byte_llama-cpu-f32-balanced-conc4] passed',
      'ttft_p99[llama_cpp-byte_llama-cpu-f32-prefill_heavy-conc4] passed',
    ]);
  });

  it('of tags gives the same as the words', async () => {
    const { launched, tests } = await project.run('--tags-filter', 'benchmark_ttft_p99 and cell_balanced_conc1');
    expect(cellsOf(launched)).toEqual(['balanced-conc1']);
    expect(tests.filter(({ status }) => status === 'passed').map(({ fullName }) => fullName)).toEqual([
      'ttft_p99[llama_cpp-byte_llama-cpu-f32-balanced-conc1]',
    ]);
  });

  it('that holds only the tests of the user launches nothing', async () => {
    const { launched, tests, exitCode } = await project.run('-t', 'test user');
    expect(launched).toEqual([]);
    expect(tests.map(({ fullName, status }) => `${fullName} ${status}`)).toEqual(['a test of the user passed']);
    expect(exitCode).toBe(0);
  });

  it('that nothing matches fails, and says where to look', async () => {
    const { launched, screen, exitCode } = await project.run('-t', 'framework_vllm');
    expect(launched).toEqual([]);
    expect(screen).toContain('no claim selected - "framework_vllm" is in no tag and no name');
    expect(exitCode).toBe(1);
  });

  it('that no claim passes as a whole names the parts that select something', async () => {
    const { launched, screen, exitCode } = await project.run('-t', 'prefill_heavy conc4 balanced ttft');
    expect(launched).toEqual([]);
    expect(screen).toContain('nothing has "prefill_heavy", "conc4", "balanced" and "ttft" together');
    expect(screen).toContain('-t "prefill_heavy conc4 ttft"   1 cell, 1 claim   (without balanced)');
    expect(screen).toContain('-t "conc4 balanced ttft"        1 cell, 1 claim   (without prefill_heavy)');
    expect(exitCode).toBe(1);
  });

  it('of files that do not exist fails too', async () => {
    const { launched, exitCode, screen } = await project.run('no-such-file');
    expect(launched).toEqual([]);
    expect(screen).toContain('no test file matches');
    expect(exitCode).toBe(1);
  });

  it('with a mistake in it is refused before anything runs', async () => {
    const { screen, exitCode, launched } = await project.run('--tags-filter', 'framework_llama & tier_1');
    expect(screen).toContain('the tag filter "framework_llama & tier_1" has an unexpected "&" at 17');
    expect(launched).toEqual([]);
    expect(exitCode).toBe(1);
  });

  it('of a tag that is none is refused with the one that was meant', async () => {
    const { screen, exitCode } = await project.run('--tags-filter', 'tier_1 and framework_llama');
    expect(screen).toContain('names "framework_llama" at 12, which no claim carries');
    expect(screen).toContain('did you mean `framework_llama_cpp`?');
    expect(exitCode).toBe(1);
  });
});

describe('a shard', () => {
  it('launches its part of the cells, each once in all shards, and runs its part of the plain tests', async () => {
    const shards = [];
    for (const index of [1, 2]) shards.push(await project.run('--shard', `${index}/2`, '-t', 'throughput balanced'));
    expect(shards.map(({ launched }) => cellsOf(launched))).toEqual([
      ['balanced-conc1', 'balanced-conc2'],
      ['balanced-conc4'],
    ]);
    expect(shards.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  });

  it('that is left no cell says so and passes', async () => {
    const { launched, screen, exitCode } = await project.run('--shard', '4/4', '-t', 'throughput balanced');
    expect(launched).toEqual([]);
    expect(screen).toContain('shard 4/4 has no cell: 3 cells over 4 shards');
    expect(exitCode).toBe(0);
  });
});

describe('vitest list', () => {
  it('names every claim and launches nothing', async () => {
    const before = project.runFolders();
    const { stdout } = await project.vitest('list', '--json', '-t', 'conc2 tier_5');
    expect((JSON.parse(stdout) as { name: string }[]).map(({ name }) => name).sort()).toEqual([
      'throughput[llama_cpp-byte_llama-cpu-f32-balanced-conc2]',
      'throughput[llama_cpp-byte_llama-cpu-f32-prefill_heavy-conc2]',
      'ttft_p99[llama_cpp-byte_llama-cpu-f32-balanced-conc2]',
      'ttft_p99[llama_cpp-byte_llama-cpu-f32-prefill_heavy-conc2]',
    ]);
    expect(project.runFolders()).toEqual(before);
  });

  it('says on stderr why it is empty, and fails', async () => {
    const { stdout, stderr, exitCode } = await project.vitest('list', '--json', '-t', 'framework_vllm balanced');
    expect(JSON.parse(stdout)).toEqual([]);
    expect(stderr).toContain('no claim selected - "framework_vllm" is in no tag and no name');
    expect(stderr).toContain('-t "balanced"   3 cells, 54 claims   (without framework_vllm)');
    expect(exitCode).toBe(1);
  });

  it('names the files that hold what is selected', async () => {
    const { stdout } = await project.vitest('list', '--filesOnly', '-t', 'conc2 tier_5');
    const files = stdout.split('\n').filter((line) => line !== '');
    expect(files.map((file) => basename(file)).sort()).toEqual([
      'latency.test.ts',
      'own.test.js',
      'throughput.test.ts',
    ]);
  });

  it('shows the tags with their descriptions', async () => {
    const { stdout } = await project.vitest('--list-tags');
    expect(stdout).toMatch(/benchmark_ttft_p99\W+claims that judge ttft_p99/);
    expect(stdout).toMatch(/knob_quant_f32\W+knob quant = f32/);
  });
});
