import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { load } from 'js-yaml';

/** A workflow of one job, as far as ours have need of it. */
interface Workflow {
  readonly env: Readonly<Record<string, string>>;
  readonly defaults: { readonly run: { readonly shell: string } };
  readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[] }>>;
}

export interface Step {
  readonly id?: string;
  readonly name?: string;
  readonly if?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** What happened, and to which branch. */
export interface GitHubEvent {
  readonly name: 'push' | 'pull_request';
  /** The branch that is checked out. */
  readonly branch: string;
  /** Of the pull request. */
  readonly number?: number;
}

/** What lives longer than a job. */
export interface GitHub {
  /** The repository. */
  readonly origin: string;
  /** Where jobs and caches are kept. */
  readonly folder: string;
  /** First in the PATH of every step. */
  readonly bin: string;
  /** Oldest first. */
  readonly caches: Saved[];
}

interface Saved {
  readonly key: string;
  readonly branch: string;
  readonly place: string;
}

/** What a job left. */
export interface JobResult {
  /** By name, or by id or action where there is none. */
  readonly exitCodes: Readonly<Record<string, number | 'skipped'>>;
  readonly log: string;
  readonly summary: string;
  /** Where it worked. */
  readonly workspace: string;
  /** What `runs` was before the gate. */
  readonly restored: string;
  /** What was uploaded. */
  readonly artifacts: string;
}

/** The steps of the only job of a workflow file. */
export function readSteps(file: string): readonly Step[] {
  return Object.values(readWorkflow(file).jobs).flatMap(({ steps }) => steps);
}

function readWorkflow(file: string): Workflow {
  return load(readFileSync(file, 'utf8')) as Workflow;
}

/** Does what a runner does with a job: shell steps in Bash, actions by what they leave. */
export async function runJob(file: string, event: GitHubEvent, github: GitHub): Promise<JobResult> {
  const job = new Job(readWorkflow(file), event, github);
  for (const step of readSteps(file)) await job.take(step);
  return job.result();
}

let jobs = 0;

class Job {
  readonly #workflow: Workflow;
  readonly #event: GitHubEvent;
  readonly #github: GitHub;
  readonly #id = String(++jobs);
  readonly #folder: string;
  readonly #exitCodes: Record<string, number | 'skipped'> = {};
  readonly #log: string[] = [];

  constructor(workflow: Workflow, event: GitHubEvent, github: GitHub) {
    this.#workflow = workflow;
    this.#event = event;
    this.#github = github;
    this.#folder = join(github.folder, 'jobs', this.#id);
    mkdirSync(join(this.#folder, 'temp'), { recursive: true });
    for (const name of ['output', 'summary']) writeFileSync(join(this.#folder, name), '');
  }

  result(): JobResult {
    return {
      exitCodes: this.#exitCodes,
      log: this.#log.join('\n'),
      summary: readFileSync(join(this.#folder, 'summary'), 'utf8'),
      workspace: this.#workspace,
      restored: join(this.#folder, 'restored'),
      artifacts: join(this.#folder, 'artifacts'),
    };
  }

  async take(step: Step): Promise<void> {
    const name = step.name ?? step.id ?? step.uses ?? step.run ?? '';
    this.#exitCodes[name] = this.#isDue(step) ? await this.#do(step) : 'skipped';
  }

  get #workspace(): string {
    return join(this.#folder, 'workspace');
  }

  /** The expressions that ours are made of; any other is a reason to look here. */
  #isDue({ if: condition = '' }: Step): boolean {
    const isGood = Object.values(this.#exitCodes).every((code) => code === 0 || code === 'skipped');
    if (!isGood && !/!cancelled\(\)|always\(\)/.test(condition)) return false;
    if (condition === '') return true;
    const terms: Readonly<Record<string, boolean>> = {
      '!cancelled()': true,
      'always()': true,
      "github.event_name == 'pull_request'": this.#event.name === 'pull_request',
      "steps.plan.outcome != 'skipped'": this.#exitCodes['Plan'] !== 'skipped',
      "steps.gate.outcome != 'skipped'": this.#exitCodes['Gate'] !== 'skipped',
    };
    const [, expression = condition] = /^\$\{\{ (.*) \}\}$/.exec(condition) ?? [];
    return expression.split(' && ').every((term) => terms[term] ?? unknown(term));
  }

  async #do({ uses, run, env = {}, with: inputs = {} }: Step): Promise<number> {
    if (run !== undefined) return this.#shell(run, env);
    const [action = ''] = uses?.split('@') ?? [];
    await (this.#actions[action] ?? unknown(action))(inputs);
    return 0;
  }

  async #shell(script: string, env: Readonly<Record<string, string>>): Promise<number> {
    if (this.#workflow.defaults.run.shell !== 'bash') unknown(this.#workflow.defaults.run.shell);
    const { all, exitCode = -1 } = await execa('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script], {
      cwd: this.#workspace,
      reject: false,
      all: true,
      extendEnv: false,
      env: { ...this.#runnerEnv(), ...this.#filled(this.#workflow.env), ...this.#filled(env) },
    });
    this.#log.push(all);
    return exitCode;
  }

  #runnerEnv(): Readonly<Record<string, string>> {
    const { PATH = '', TMPDIR = '' } = process.env;
    return {
      PATH: `${this.#github.bin}:${PATH}`,
      TMPDIR,
      HOME: this.#github.folder,
      CI: 'true',
      GITHUB_ACTIONS: 'true',
      GITHUB_REPOSITORY: 'us/benchmarks',
      GITHUB_WORKSPACE: this.#workspace,
      GITHUB_OUTPUT: join(this.#folder, 'output'),
      GITHUB_STEP_SUMMARY: join(this.#folder, 'summary'),
      RUNNER_TEMP: join(this.#folder, 'temp'),
      ASSAY_LOCK_FOLDER: join(this.#github.folder, 'locks'),
    };
  }

  #filled(env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    return Object.fromEntries(Object.entries(env).map(([name, text]) => [name, this.#fill(text)]));
  }

  #fill(text: string): string {
    const { number = '' } = this.#event;
    const values: Readonly<Record<string, string>> = {
      'github.event.pull_request.number': String(number),
      'github.token': 'token-of-the-job',
      'github.run_id': this.#id,
      'github.run_attempt': '1',
    };
    return text.replaceAll(/\$\{\{ (.*?) \}\}/g, (_, name: string) => values[name] ?? unknown(name));
  }

  readonly #actions: Readonly<Record<string, (inputs: Readonly<Record<string, unknown>>) => unknown>> = {
    'actions/checkout': ({ 'fetch-depth': depth }) =>
      execa('git', [
        'clone',
        `--depth=${String(depth)}`,
        `--branch=${this.#event.branch}`,
        `file://${this.#github.origin}`,
        this.#workspace,
      ]),
    'actions/setup-node': () => undefined,
    'actions/cache/restore': ({ path, 'restore-keys': prefix }) => {
      const saved = this.#visibleCaches().findLast(({ key }) => key.startsWith(String(prefix)));
      if (saved === undefined) return;
      for (const place of [join(this.#workspace, String(path)), join(this.#folder, 'restored')])
        cpSync(saved.place, place, { recursive: true });
    },
    'actions/cache/save': ({ path, key }) => {
      const saved = { key: this.#fill(String(key)), branch: this.#event.branch };
      const place = join(this.#github.folder, 'caches', saved.key);
      cpSync(join(this.#workspace, String(path)), place, { recursive: true });
      this.#github.caches.push({ ...saved, place });
    },
    'actions/upload-artifact': ({ path }) => {
      for (const part of String(path).trim().split('\n'))
        cpSync(join(this.#workspace, part), join(this.#folder, 'artifacts', part), { recursive: true });
    },
  };

  /** Those of main, and those of its own branch, which come first: last in the list. */
  #visibleCaches(): readonly Saved[] {
    const of = (branch: string): readonly Saved[] => this.#github.caches.filter((saved) => saved.branch === branch);
    return this.#event.branch === 'main' ? of('main') : [...of('main'), ...of(this.#event.branch)];
  }
}

function unknown(what: string): never {
  throw new Error(`the workflow has what this stand-in for GitHub does not know: ${what}`);
}
