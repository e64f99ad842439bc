import { readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ONE_CELL, Project } from './project.ts';
import { TOOLCHAIN } from './toolchain.ts';

/** No request is answered in so little time. */
const TIGHT = ONE_CELL.replace('value: 60000', 'value: 0.001');

const SUITE = `import { claims } from 'vitest-assay/claims';

export default claims({
  asserted: {
    check({ run, expect, warn, cell }) {
      warn('look at ' + cell.cellId);
      expect(run.verdict('throughput')).toHold();
      expect(run.verdict('ttft_p99')).toHold();
    },
  },
  no_such_figure: { check: ({ run }) => void run.scalar('request') },
});
`;

const BRACKET = '[llama_cpp-byte_llama-cpu-f32-balanced-conc2]';
const LATENCY = join(TOOLCHAIN.assay, 'suites/benchmarks/latency.test.ts');
/** The line of the claim in its suite. */
const TTFT_P99 = `${LATENCY}:${
  readFileSync(LATENCY, 'utf8')
    .split('\n')
    .findIndex((line) => line.startsWith('  ttft_p99:')) + 1
}`;

/** Since Vitest 5 a reporter that has its own file by default writes to stdout where it is told so. */
const configOf = (reporter: string): string => `import { assay } from 'vitest-assay';
export default {
  plugins: [assay({ suites: ['builtin', 'own'] })],
  test: { include: [], reporters: [['${reporter}', { stdout: true }]] },
};
`;

let project: Project;
let mine: string;
let folder: string;
beforeAll(async () => {
  project = new Project(
    { 'configs/quick.yaml': TIGHT, 'own/benchmarks/mine.test.js': SUITE },
    { ASSAY_REUSE: 'prefer' },
  );
  project.write('vitest.config.js', configOf('default'));
  for (const reporter of ['json', 'junit']) project.write(`${reporter}.config.js`, configOf(reporter));
  mine = join(project.root, 'own/benchmarks/mine.test.js');
  // What follows judges this run again and again.
  await project.vitest('run', '-t', 'throughput');
  folder = project.runFolders()[0]!;
});

/** The claims of tier 5 as a reporter tells them. */
async function told(...args: readonly string[]) {
  const { stdout, stderr, exitCode } = await project.vitest('run', '--tags-filter', 'tier_5', ...args);
  expect([exitCode, project.runFolders()]).toEqual([1, [folder]]);
  return { stdout, stderr };
}

/** What a missed verdict says, whichever claim asks. */
function missed(claim: string): RegExp {
  const lines = [
    /ttft_ms p99 is \S+ ms, must be <= 0\.001 ms/,
    / {3}\(margin -\S+, 95 % interval from \S+, n 8\)/,
    / {3}worst {5}.*(?:\n {13}.*)*/,
    / {3}threshold configs\/quick\.yaml:\d+/,
    new RegExp(` {3}evidence  ${relative(project.root, folder)}/samples\\.parquet`),
    / {3}again {5}npx assay verify --only-cells quick\/balanced-conc2/,
    new RegExp(` {3}rerun     npx vitest run -t "${claim} quick balanced-conc2"`),
  ];
  return new RegExp(lines.map(({ source }) => `(?:${source})`).join('\n'));
}

describe.each(['default', 'verbose', 'tree'])('the %s reporter', (reporter) => {
  it('prints a missed verdict so that no log has to be opened, and no code of ours', async () => {
    const { stderr, stdout } = await told(`--reporter=${reporter}`);
    // Of a claim that passed only this one shows what was found.
    expect(/✓ .*throughput\[.*\n\n.* assay\n +↳ throughput is \S+ tokens\/s, must be >= 1 /.test(stdout)).toBe(
      reporter === 'verbose',
    );
    const failures = stderr.slice(stderr.indexOf('Failed Tests'));
    expect(failures).toMatch(new RegExp(`MissedVerdict: ${missed('ttft_p99').source}`));
    expect(failures).toMatch(new RegExp(`Error: ${missed('asserted').source}`));
    expect(failures).toContain(' ❯ Object.check own/benchmarks/mine.test.js:8:39');
    expect(failures).toMatch(/AssayError: .* has no figure request\n {3}next: did you mean requests\?/);
    expect(failures).not.toMatch(/register\.js|Serialized Error/);
    expect(failures).toContain('assay-warning\n   ↳ look at balanced-conc2');
  });
});

describe('the json reporter', () => {
  it('is one document on stdout, with the verdicts of all claims', async () => {
    const { stdout, stderr } = await told('--config=json.config.js');
    const report = JSON.parse(stdout) as Report;
    const meta = new Map(
      report.testResults.flatMap(({ assertionResults }) => assertionResults.map((one) => [one.title, one.meta.assay])),
    );
    const ofRun = { cell: 'quick/balanced-conc2', tier: 5, run: folder, runId: folder.split('/').at(-1), reused: true };
    const ttft = {
      kind: 'Percentile',
      benchmark: 'ttft_p99',
      metric: 'ttft_ms',
      op: '<=',
      expected: 0.001,
      actual: expect.any(Number) as number,
      margin: expect.any(Number) as number,
      interval: { low: expect.any(Number) as number, high: null, confidence: 0.95 },
      passed: false,
      outcome: 'failed',
      n: 8,
      source: expect.stringMatching(/^configs\/quick\.yaml:\d+$/) as string,
      detail: expect.stringContaining('ttft_ms p99 is') as string,
    };
    expect(Object.fromEntries(meta)).toEqual({
      [`ttft_p99${BRACKET}`]: { ...ofRun, claim: 'ttft_p99', verdict: ttft },
      [`asserted${BRACKET}`]: { ...ofRun, claim: 'asserted', verdict: ttft },
      [`no_such_figure${BRACKET}`]: { ...ofRun, claim: 'no_such_figure' },
      [`throughput${BRACKET}`]: {
        ...ofRun,
        claim: 'throughput',
        verdict: expect.objectContaining({ benchmark: 'throughput', passed: true, outcome: 'passed' }) as unknown,
      },
    });
    expect(stderr).toContain(' assay  1 config');
  });
});

describe('the junit reporter', () => {
  it('is well-formed on stdout, with the verdicts as properties and the files of the suites', async () => {
    const { stdout } = await told('--config=junit.config.js');
    expect(unclosed(stdout)).toEqual([]);
    expect(stdout).toMatch(/<property name="assay" value="throughput is [^"]+ must be &gt;= 1 tokens\/s [^"]+">/);
    expect(stdout).toMatch(/<property name="assay-failed" value="ttft_ms p99 is [^"]+ must be &lt;= 0\.001 ms [^"]+">/);
    expect(stdout).toContain('<property name="assay-warning" value="look at balanced-conc2">');
    expect(stdout).toContain(`<testcase classname="own/benchmarks/mine.test.js" name="asserted${BRACKET}"`);
    expect(stdout).toMatch(/<failure message="ttft_ms p99 is [^"]+" type="MissedVerdict">/);
  });
});

describe('the github-actions reporter', () => {
  it('annotates every failure and verdict at the line of its claim', async () => {
    const { stdout } = await told('--reporter=github-actions');
    const commands = stdout.split('\n').filter((line) => line.startsWith('::'));
    expect(commands.filter((line) => !/^::(?:error|notice) /.test(line))).toEqual([]);
    const places = commands.map((line) => placeOf(line));
    const expected = [
      `error ${TTFT_P99} ttft_p99${BRACKET}`,
      `error ${mine}:11 no_such_figure${BRACKET}`,
      `error ${mine}:8 asserted${BRACKET}`,
      `notice ${TTFT_P99} assay-failed`,
      `notice ${LATENCY.replace('latency', 'throughput')}:5 assay`,
      `notice ${mine}:4 assay`,
      `notice ${mine}:4 assay-failed`,
      `notice ${mine}:4 assay-warning`,
    ];
    expect(places.toSorted()).toEqual(expected.toSorted());
    expect(commands.find((line) => line.includes('ttft_p99['))).toContain('%0A   rerun     npx vitest run -t');
  });
});

describe('a blob', () => {
  it('is merged into the same report, and judges nothing anew', async () => {
    await told('--reporter=blob');
    const json = join(project.root, 'merged.json');
    const merge = ['--merge-reports', '--reporter=github-actions', '--reporter=json', `--outputFile.json=${json}`];
    const { stdout, stderr, exitCode } = await project.vitest('run', ...merge);
    const { numTotalTests, numFailedTests } = JSON.parse(readFileSync(json, 'utf8')) as Report;
    expect([exitCode, numTotalTests, numFailedTests]).toEqual([1, 4, 3]);
    expect(stdout).toContain(`::error file=${LATENCY},`);
    expect(stderr).not.toContain('never registered');
    forgetReports();
  });

  it('of each shard is merged into one report of all claims, which launches nothing', async () => {
    project.write('configs/second.yaml', ONE_CELL.replace('test_id: quick', 'test_id: second').replace('[2]', '[1]'));
    const shards = ['1/2', '2/2'].map((shard) =>
      project.vitest('run', '--tags-filter=tier_5', '--reporter=blob', `--shard=${shard}`),
    );
    expect((await Promise.all(shards)).map(({ exitCode }) => exitCode)).toEqual([1, 1]);
    const folders = project.runFolders();
    const json = join(project.root, 'merged.json');
    const merge = ['--merge-reports', '--reporter=default', '--reporter=json', `--outputFile.json=${json}`];
    const { all, exitCode } = await project.vitest(...merge);
    const { numTotalTests, numFailedTests, testResults } = JSON.parse(readFileSync(json, 'utf8')) as Report;
    const titles = testResults.flatMap(({ assertionResults }) => assertionResults).map(({ title }) => title);
    expect([exitCode, numTotalTests, numFailedTests, new Set(titles).size]).toEqual([1, 8, 4, 8]);
    expect(all).toMatch(/Tests {2}4 failed \| 4 passed \(8\)/);
    expect(all).toMatch(/4 claims passed · 4 failed · reports of 2 runs\s+merged/);
    expect(all).not.toMatch(/never registered|Failed Suites/);
    expect(project.runFolders()).toEqual(folders);
    rmSync(join(project.root, 'configs/second.yaml'));
    forgetReports();
  });
});

function forgetReports(): void {
  for (const reports of ['.vitest-reports', '.vitest'])
    rmSync(join(project.root, reports), { recursive: true, force: true });
}

interface Report {
  readonly numTotalTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly title: string; readonly meta: { readonly assay: unknown } }[];
  }[];
}

/** `error <file>:<line> <claim>`, or the type of an annotation. */
function placeOf(command: string): string {
  const [, kind, properties = ''] = /^::(\w+) (.*?)::/.exec(command) ?? [];
  const {
    file,
    line,
    title = '',
  } = Object.fromEntries(properties.split(',').map((pair) => pair.split('='))) as Record<string, string>;
  return `${kind} ${file}:${line} ${title.split(' > ').at(-1)}`;
}

/** What is wrong with a text as XML: elements that do not close, and characters that are not escaped. */
function unclosed(xml: string): readonly string[] {
  const open: string[] = [];
  const wrong: string[] = [];
  const tokens = xml.match(/<[^<>]*>|[^<>]+|[<>]/g) ?? [];
  for (const token of tokens.filter((one) => !one.startsWith('<?'))) {
    const [, slash, name = ''] = /^<(\/?)([\w-]+)(?:\s+[\w-]+="[^"<]*")*\s*\/?>$/.exec(token) ?? [];
    if (/&(?!amp;|lt;|gt;|quot;|apos;|#)/.test(token)) wrong.push(token);
    if (slash === '/' && open.pop() !== name) wrong.push(token);
    else if (slash === '' && !token.endsWith('/>')) open.push(name);
    else if (slash === undefined && token.startsWith('<')) wrong.push(token);
  }
  return [...wrong, ...open];
}

it('reads what the files say', () => {
  expect([unclosed('<a x="1"><b/>t &lt; u</a>'), unclosed('<a><b></a>'), unclosed('<a>1 & 2</a>')]).toEqual([
    [],
    ['</a>', 'a'],
    ['1 & 2'],
  ]);
});
