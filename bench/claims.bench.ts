import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { assayProject, bareProject, CLAIMS_PER_CELL, matrixOf, pytestProject } from './claims-projects.ts';

// A matrix of trivial claims as whole commands: ours against the same tests in bare Vitest and, where there is
// one, in pytest; all of them, and a slice of 1 %. CPU seconds are those of every process of a command. The
// contestants take turns, and the least of each counts: noise only adds.
const sizes = [
  { cells: 1_000, rounds: 3 },
  { cells: 10_000, rounds: 1 },
];
const budgets = { allToBare: 1.2, allToPytest: 1 / 5, sliceToPytest: 1 / 6, unselectedToSelected: 1 / 5 };
const slicePart = 100;

interface Usage {
  readonly cpuS: number;
  readonly wallS: number;
}

interface Contestant {
  readonly name: string;
  readonly folder: string;
  readonly argv: readonly string[];
  /** How many tests pass. */
  readonly tests: number;
}

type Measured = ReadonlyMap<string, Usage>;

const vitest = [process.execPath, 'node_modules/vitest/vitest.mjs', 'run'];
const pytest = ['python3', '-m', 'pytest', '-q', '-p', 'no:cacheprovider'];
const hasPytest = spawnSync('python3', ['-m', 'pytest', '--version']).status === 0;

const scratch = mkdtempSync(join(tmpdir(), 'assay-bench-claims-'));
try {
  const results = sizes.map(({ cells, rounds }) => measure(contestants(cells), rounds));
  if (!hasPytest) print('\npytest is left out: `python3 -m pytest --version` fails (apt-get install python3-pytest)');
  const missed = isMissed(results.at(-1) ?? new Map());
  if (missed) print('\nmissed the budget');
  process.exitCode = missed ? 1 : 0;
} finally {
  rmSync(scratch, { recursive: true });
}

function contestants(cells: number): readonly Contestant[] {
  const at = (name: string): string => join(scratch, `${name}-${cells}`);
  const ours = assayProject(at('assay'), cells);
  const matrix = matrixOf(ours);
  const tests = matrix.length * CLAIMS_PER_CELL;
  const slice = tests / slicePart;
  const tags = 'config_bench_07 and framework_llama_cpp';
  const tagged = bareProject(at('tagged'), matrix, true);
  const ofPytest = pytestProject(at('pytest'), matrix);
  const others = [
    { name: 'pytest, all', folder: ofPytest, argv: pytest, tests },
    { name: 'pytest, slice by -m', folder: ofPytest, argv: [...pytest, '-m', tags], tests: slice },
    { name: 'pytest, slice by -k', folder: ofPytest, argv: [...pytest, '-k', tags], tests: slice },
  ];
  return [
    { name: 'bare Vitest, all', folder: bareProject(at('bare'), matrix, false), argv: vitest, tests },
    { name: 'assay, all', folder: ours, argv: vitest, tests },
    { name: 'bare Vitest with tags, all', folder: tagged, argv: vitest, tests },
    { name: 'bare Vitest, slice by tags', folder: tagged, argv: [...vitest, '--tags-filter', tags], tests: slice },
    { name: 'assay, slice by tags', folder: ours, argv: [...vitest, '--tags-filter', tags], tests: slice },
    { name: 'assay, slice by -t', folder: ours, argv: [...vitest, '-t', 'config_bench_07 llama_cpp'], tests: slice },
    { name: 'assay, the slice alone', folder: assayProject(at('alone'), cells, 7), argv: vitest, tests: slice },
    ...(hasPytest ? others : []),
  ];
}

function measure(all: readonly Contestant[], rounds: number): Measured {
  const least = new Map<string, Usage>();
  for (let round = 0; round < rounds; round += 1) {
    for (const contestant of all) {
      const usage = run(contestant);
      const { cpuS, wallS } = least.get(contestant.name) ?? usage;
      least.set(contestant.name, { cpuS: Math.min(cpuS, usage.cpuS), wallS: Math.min(wallS, usage.wallS) });
    }
  }
  const count = Math.max(...all.map(({ tests }) => tests));
  const cores = loadavg().map((load) => load.toFixed(1));
  print(`\n${count} claims, ${rounds} ${rounds === 1 ? 'round' : 'rounds'}, load ${cores.join(' ')}`);
  print(`${'tests'.padStart(38)} ${'CPU s'.padStart(9)} ${'wall s'.padStart(9)}`);
  for (const { name, tests } of all) {
    const { cpuS, wallS } = usageOf(least, name);
    print(
      `  ${name.padEnd(28)} ${String(tests).padStart(7)} ${cpuS.toFixed(2).padStart(9)} ${wallS.toFixed(2).padStart(9)}`,
    );
  }
  return least;
}

function run({ name, folder, argv, tests }: Contestant): Usage {
  const out = join(scratch, 'out');
  const startedMs = performance.now();
  // The shell knows what all processes of the command took, its workers as well.
  const script = `"$@" > '${out}' 2>&1; status=$?; times; exit $status`;
  const { status, stdout } = spawnSync('sh', ['-c', script, 'sh', ...argv], { cwd: folder, encoding: 'utf8' });
  const wallS = (performance.now() - startedMs) / 1000;
  const output = readFileSync(out, 'utf8');
  const passed = /(?:Tests\s+|^)(\d+) passed/m.exec(stripVTControlCharacters(output));
  if (status !== 0 || Number(passed?.[1]) !== tests) {
    throw new Error(`${name}: ${tests} tests were to pass\n${output.slice(-2000)}`);
  }
  const times = [...(stdout.split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)];
  return { wallS, cpuS: times.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0) };
}

function isMissed(measured: Measured): boolean {
  const cpuS = (name: string): number => usageOf(measured, name).cpuS;
  const [all, slice, alone] = ['assay, all', 'assay, slice by tags', 'assay, the slice alone'].map(cpuS) as [
    number,
    number,
    number,
  ];
  const unselected = slice - alone;
  print(
    `\nof the slice by tags ${alone.toFixed(2)} s are the slice itself and ${unselected.toFixed(2)} s the cells beside it`,
  );
  const checks = [
    ['all, to bare Vitest', all / cpuS('bare Vitest, all'), budgets.allToBare],
    ['a claim that is not selected, to one that is', unselected / (all - slice), budgets.unselectedToSelected],
  ] as [string, number, number][];
  if (hasPytest) {
    checks.push(
      ['all, to pytest', all / cpuS('pytest, all'), budgets.allToPytest],
      ['slice by tags, to pytest -m', slice / cpuS('pytest, slice by -m'), budgets.sliceToPytest],
      ['slice by -t, to pytest -k', cpuS('assay, slice by -t') / cpuS('pytest, slice by -k'), budgets.sliceToPytest],
    );
  }
  for (const [what, ratio, budget] of checks) {
    const verdict = ratio <= budget ? 'held' : 'missed';
    print(`  ${what.padEnd(46)} ${ratio.toFixed(3).padStart(7)}  budget ${budget.toFixed(3)}  ${verdict}`);
  }
  return checks.some(([, ratio, budget]) => ratio > budget);
}

function usageOf(measured: Measured, name: string): Usage {
  const usage = measured.get(name);
  if (usage === undefined) throw new Error(`${name} was not measured`);
  return usage;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
