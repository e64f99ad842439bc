import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import { readSteps, runJob } from './gate-workflow.ts';
import type { GitHub, GitHubEvent, JobResult } from './gate-workflow.ts';
import { NODE, REPOSITORY, TOOLCHAIN } from './toolchain.ts';

const EXAMPLE = join(REPOSITORY, 'docs/examples');
const WORKFLOW = join(EXAMPLE, '.github/workflows/benchmarks.yml');
const CONFIG = 'configs/byte_llama_cpu.yaml';
const LATENCY = join(TOOLCHAIN.assay, 'suites/benchmarks/latency.test.ts');

/** `npm ci` of a project whose packages lie here. */
const NPM = `#!/bin/sh
[ "$*" = ci ] || exit 1
mkdir -p node_modules/.bin
ln -s '${TOOLCHAIN.assay}' node_modules/vitest-assay
ln -s '${TOOLCHAIN.vitest}' node_modules/vitest
printf '#!/bin/sh\\nexec ${NODE} node_modules/vitest-assay/dist/cli/main.js "$@"\\n' > node_modules/.bin/assay
chmod +x node_modules/.bin/assay
`;

/** `gh api` of a repository with one pull request, whose comments are files. */
const GH = `#!/usr/bin/env node
const { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } = require('node:fs');
const folder = process.env.HOME + '/comments';
mkdirSync(folder, { recursive: true });
const args = process.argv.slice(2);
const option = (name) => args[args.indexOf(name) + 1];
if (process.env.GH_TOKEN !== 'token-of-the-job' || args[0] !== 'api') process.exit(1);
if (args.includes('--jq')) {
  const [, start] = /startswith\\("(.*?)"\\)/.exec(option('--jq'));
  for (const name of readdirSync(folder))
    if (readFileSync(folder + '/' + name, 'utf8').startsWith(start)) console.log('https://api.github.com/' + name);
} else {
  const body = readFileSync(option('--field').replace('body=@', ''), 'utf8');
  const target = args.find((word) => /comments/.test(word) || /^https/.test(word));
  const isNew = option('--method') === 'POST' && target === 'repos/us/benchmarks/issues/7/comments';
  const name = isNew ? 'comment-' + readdirSync(folder).length : target.split('/').pop();
  if (!isNew && !existsSync(folder + '/' + name)) process.exit(1);
  writeFileSync(folder + '/' + name, body);
}
`;

/** A repository made of the example, and pull requests to it. */
class Repository {
  readonly folder = mkdtempSync(join(tmpdir(), 'assay-gate-'));
  readonly origin = join(this.folder, 'origin');
  readonly #github: GitHub = { origin: this.origin, folder: this.folder, bin: join(this.folder, 'bin'), caches: [] };

  async create(): Promise<void> {
    cpSync(EXAMPLE, this.origin, { recursive: true });
    mkdirSync(join(this.origin, 'models'));
    const model = 'models/byte-llama.gguf';
    cpSync(join(REPOSITORY, 'fixtures', model), join(this.origin, model));
    for (const [name, script] of Object.entries({ npm: NPM, gh: GH })) this.#writeStub(name, script);
    await this.#git('init', '--quiet', '--initial-branch=main');
    await this.commit('the example');
  }

  #writeStub(name: string, script: string): void {
    const path = join(this.#github.bin, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, script);
    chmodSync(path, 0o755);
  }

  #git(...args: readonly string[]) {
    return execa('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: this.origin });
  }

  async commit(message: string): Promise<void> {
    await this.#git('add', '--all');
    await this.#git('commit', '--quiet', '--message', message);
  }

  edit(replace: (config: string) => string): void {
    const path = join(this.origin, CONFIG);
    const [before, after] = [readFileSync(path, 'utf8'), replace(readFileSync(path, 'utf8'))];
    expect(after).not.toBe(before);
    writeFileSync(path, after);
  }

  /** What GitHub checks out for a pull request: its merge into main, which another commit is on already. */
  async pullRequest(branch: string, replace: (config: string) => string): Promise<Outcome> {
    await this.#git('checkout', '--quiet', '-B', `of-${branch}`, 'main');
    this.edit(replace);
    await this.commit(branch);
    await this.#git('checkout', '--quiet', '-B', branch, 'main');
    await this.#git('merge', '--quiet', '--no-ff', '--no-edit', `of-${branch}`);
    await this.#git('checkout', '--quiet', 'main');
    return this.job({ name: 'pull_request', branch, number: 7 });
  }

  async job(event: GitHubEvent): Promise<Outcome> {
    const job = await runJob(WORKFLOW, event, this.#github);
    const before = new Set(cellsOfRuns(job.restored).map(({ run }) => run));
    const launched = cellsOfRuns(join(job.workspace, 'runs')).filter(({ run }) => !before.has(run));
    const junit = join(job.artifacts, 'junit.xml');
    return {
      ...job,
      launched: launched.map(({ cell }) => cell).sort(),
      junit: existsSync(junit) ? (/<testsuites .*?>/.exec(readFileSync(junit, 'utf8'))?.[0] ?? '') : '',
    };
  }

  /** All comments of the pull request. */
  comments(): readonly string[] {
    const folder = join(this.folder, 'comments');
    if (!existsSync(folder)) return [];
    const bodies = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
    return bodies.map((body) => body.replace(/since `[0-9a-f]{7,}`/, 'since `<base>`'));
  }
}

interface Outcome extends JobResult {
  /** The cells that were. */
  readonly launched: readonly string[];
  /** The head of the JUnit file among the artifacts. */
  readonly junit: string;
}

function cellsOfRuns(folder: string): readonly { readonly run: string; readonly cell: string }[] {
  if (!existsSync(folder)) return [];
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return paths
    .filter((path) => path.endsWith('/manifest.json'))
    .map((path) => readFileSync(join(folder, path), 'utf8'))
    .map((text) => JSON.parse(text) as { readonly run_id: string; readonly cell_id: string; readonly status: string })
    .filter(({ status }) => status !== 'skipped')
    .map(({ run_id: run, cell_id: cell }) => ({ run, cell }));
}

const HAPPENED = {
  'actions/checkout@v4': 0,
  'actions/setup-node@v4': 0,
  'npm ci': 0,
  Plan: 0,
  'Plan as a comment': 0,
  'Stored runs': 0,
  Gate: 0,
  'Forget old runs': 0,
  'actions/cache/save@v4': 0,
  'actions/upload-artifact@v4': 0,
};

// Each job starts Vitest several times.
describe('the gate of docs/examples', { timeout: 180_000 }, () => {
  const repository = new Repository();
  let first: Outcome;
  beforeAll(async () => {
    await repository.create();
    first = await repository.job({ name: 'push', branch: 'main' });
  }, 180_000);

  it('runs every cell of the main branch, and keeps the runs', () => {
    expect(first.log).toContain('4 launched');
    expect(first.exitCodes).toEqual({ ...HAPPENED, Plan: 'skipped', 'Plan as a comment': 'skipped' });
    expect(first.launched).toEqual(['balanced-conc1', 'balanced-conc2', 'prefill_heavy-conc1', 'prefill_heavy-conc2']);
    expect(repository.comments()).toEqual([]);
  });

  it('launches nothing where only a threshold changed, and says why', async () => {
    const job = await repository.pullRequest('looser', (text) => text.replace('value: 20000', 'value: 25000'));
    expect(job.log).toContain('4 reused · 0 launched · 0 skipped');
    expect(job.launched).toEqual([]);
    expect(job.exitCodes).toEqual(HAPPENED);
    const [comment, ...others] = repository.comments();
    expect(others).toEqual([]);
    expect(comment).toMatchInlineSnapshot(`
      "<!-- benchmarks -->
      ### Benchmarks: nothing to launch, 4 cells only judged again

      |  | cells | why |
      | --- | --- | --- |
      | only judged again | \`byte_llama_cpu/balanced-conc1\`<br>\`byte_llama_cpu/balanced-conc2\`<br>\`byte_llama_cpu/prefill_heavy-conc1\`<br>\`byte_llama_cpu/prefill_heavy-conc2\` | \`ttft_p99: value 20000 -> 25000\` |

      0 cells unchanged since \`<base>\`
      "
    `);
    const why =
      /^ 4 runs re-judged in \S+ \w+, nothing launched\n {3}ttft_p99 {2}threshold 20000 -> 25000 ms\n {5}4 unchanged$/m;
    expect(job.log).toMatch(why);
    expect(job.summary).toMatch(why);
    expect(job.summary).toContain('### Every claim of the gate holds');
    expect(job.junit).toContain('tests="60" failures="0"');
  });

  it('fails where a threshold is missed, with an annotation and all the evidence', async () => {
    const job = await repository.pullRequest('looser', (text) => text.replace('value: 20000', 'value: 0.001'));
    expect(job.launched).toEqual([]);
    expect(job.exitCodes).toEqual({ ...HAPPENED, Gate: 1 });
    expect(job.junit).toContain('tests="60" failures="4"');
    const claim =
      /^::error file=(.+),title=.* > ttft_p99\[.*-(\w+-conc\d)\],line=\d+,.*::MissedVerdict: ttft_ms p99 is .*/;
    const errors = job.log.split('\n').filter((line) => line.startsWith('::error '));
    expect(errors.map((line) => line.replace(claim, '$1 $2')).toSorted()).toEqual(
      first.launched.map((cell) => `${LATENCY} ${cell}`),
    );
    expect(job.summary).toContain('### Claims of the gate do not hold');
    expect(cellsOfRuns(join(job.artifacts, 'runs'))).toHaveLength(4);
    const [comment, ...others] = repository.comments();
    expect(comment).toContain('`ttft_p99: value 20000 -> 0.001`');
    expect(others).toEqual([]);
  });

  it('launches exactly the cells that are new', async () => {
    const job = await repository.pullRequest('wider', (text) => text.replace('[1, 2]', '[1, 2, 4]'));
    expect(job.launched).toEqual(['balanced-conc4', 'prefill_heavy-conc4']);
    expect(job.exitCodes).toEqual(HAPPENED);
    expect(repository.comments()[0]).toMatchInlineSnapshot(`
      "<!-- benchmarks -->
      ### Benchmarks: 2 cells to launch

      |  | cells | why |
      | --- | --- | --- |
      | new | \`byte_llama_cpu/balanced-conc4\`<br>\`byte_llama_cpu/prefill_heavy-conc4\` |  |

      4 cells unchanged since \`<base>\`
      "
    `);
    expect(job.junit).toContain('tests="90" failures="0"');
  });

  it('points at the place of a mistake, and does not come to the gate', async () => {
    const job = await repository.pullRequest('broken', (text) => text.replace('[1, 2]', '[1, 2'));
    expect(job.exitCodes).toEqual({
      ...HAPPENED,
      Plan: 2,
      'Stored runs': 'skipped',
      Gate: 'skipped',
      'Forget old runs': 'skipped',
      'actions/cache/save@v4': 'skipped',
      'actions/upload-artifact@v4': 'skipped',
    });
    expect(job.log).toMatch(/^::error file=configs\/byte_llama_cpu\.yaml,line=18,col=16::this \[ is not closed/m);
    expect(repository.comments()[0]).toMatchInlineSnapshot(`
      "<!-- benchmarks -->
      ### Benchmarks: no plan

      \`\`\`
      AssayError: configs/byte_llama_cpu.yaml:18:16 this [ is not closed - close it with ], or indent the lines up to its ]
      1 problem in 1 of 1 file. Nothing was launched.
         next: mend the places above and run again
      \`\`\`
      "
    `);
  });

  it('is not green where no cell could be judged', async () => {
    const job = await repository.pullRequest('elsewhere', (text) =>
      text.replace('selector: "cpu"', 'selector: "h100"'),
    );
    expect(job.exitCodes).toEqual({ ...HAPPENED, Gate: 3 });
    expect(job.log).toContain('::error title=Benchmarks::No verdict: every cell was skipped');
    expect(job.launched).toEqual([]);
  });

  it('lets a repair of the main branch pass', async () => {
    repository.edit((text) => text.replace('schema_version: "2"', 'schema_version: "1"'));
    await repository.commit('a mistake');
    const job = await repository.pullRequest('repair', (text) => text.replace('"1"', '"2"'));
    expect(job.exitCodes).toEqual(HAPPENED);
    expect(job.launched).toEqual([]);
    expect(repository.comments()[0]).toContain('### Benchmarks: the whole plan\n');
  });
});

describe('docs/examples', () => {
  it('takes no action but those of GitHub, and those by their major version', () => {
    const actions = readSteps(WORKFLOW).flatMap(({ uses = [] }) => uses);
    expect(actions.filter((uses) => !/^actions\/[\w/-]+@v\d+$/.test(uses))).toEqual([]);
  });

  it('asks for packages that there are', () => {
    const own = readPackage(REPOSITORY);
    const { devDependencies, overrides } = readPackage(EXAMPLE);
    expect(devDependencies).toEqual({
      'node-llama-cpp': own.peerDependencies?.['node-llama-cpp'],
      vitest: expect.stringMatching(/^\^4\.1\./),
      'vitest-assay': `^${own.version}`,
    });
    expect(own.overrides).toMatchObject(overrides);
  });
});

interface Package {
  readonly version?: string;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly overrides: Readonly<Record<string, string>>;
}

function readPackage(folder: string): Package {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Package;
}
