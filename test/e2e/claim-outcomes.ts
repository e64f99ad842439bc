import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { globSync } from 'tinyglobby';
import type { Claims } from '../../src/vitest/claims/claim.ts';
import { PLANNING } from '../../src/vitest/claims/claim.ts';
import { EMULATED, emulatedProject } from './emulated.ts';
import type { EmulatedOptions } from './emulated.ts';
import { REPOSITORY } from './project.ts';
import type { Project, SessionResult } from './project.ts';

const SUITES = join(REPOSITORY, 'suites');

/** What a session said of one claim about one cell. */
export interface Outcome {
  /** `frameworks/vllm.test.ts context_applied`. */
  readonly claim: string;
  readonly testName: string;
  readonly status: string;
  /** Empty unless it failed. */
  readonly message: string;
}

interface Report {
  readonly testResults: readonly { readonly name: string; readonly assertionResults: SessionResult['tests'] }[];
}

/** What the last session of a project said of each claim that it judged. */
export function outcomesOf({ root }: Project): readonly Outcome[] {
  const path = join(root, 'report.json');
  if (!existsSync(path)) return [];
  const { testResults } = JSON.parse(readFileSync(path, 'utf8')) as Report;
  return testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ fullName, status, failureMessages }) => ({
      claim: `${relative(SUITES, name)} ${fullName.replace(/\[.*$/, '')}`,
      testName: fullName,
      status,
      message: failureMessages.join('\n'),
    })),
  );
}

/** Whether a claim failed for what it is about: not because its run came to nothing, unless that is what it is about. */
export function failsOfItself({ claim, status, message }: Outcome): boolean {
  const [file = '', name = ''] = claim.split(' ');
  const isOfRun = message.startsWith('AssayError: the run is ') && !message.includes(`: ${name}: `);
  return status === 'failed' && (!isOfRun || file.startsWith('logistics/'));
}

/** All claims of the suites that come with the package, as outcomes name them. */
export async function shippedClaims(): Promise<readonly string[]> {
  // As the plugin reads them to plan: nothing registers.
  const planning = globalThis as { [PLANNING]?: true };
  planning[PLANNING] = true;
  try {
    const files = globSync('**/*.test.ts', { cwd: SUITES }).sort();
    const declared = files.map(async (file) => {
      const { default: claims } = (await import(join(SUITES, file))) as { readonly default: Claims };
      return Object.keys(claims).map((name) => `${file} ${name}`);
    });
    return (await Promise.all(declared)).flat();
  } finally {
    delete planning[PLANNING];
  }
}

/**
 * The same as `emulatedProject`, but that each config has nodes of its own, so that all run at once, and one point of
 * its sweep.
 */
export function spreadProject({ only = EMULATED, change = same, files = {}, ...others }: EmulatedOptions): Project {
  const spread = (config: string, name: string): string =>
    change(config.replace('[2, 4]', '[4]').replace(/ +- name: 1p3d[^]*?(?= {2}concurrency)/, ''), name).replaceAll(
      '"emulated"',
      `"of_${name}"`,
    );
  return emulatedProject({ ...others, only, change: spread, files: { 'cluster.yaml': clusterOf(only), ...files } });
}

const same = (config: string): string => config;

function clusterOf(names: readonly string[]): string {
  // A role that no label binds goes to the first node: the router belongs to its servers.
  const ordered = names.toSorted((a, b) => Number(b === 'sglang') - Number(a === 'sglang'));
  const nodes = ordered.flatMap((name, index) =>
    [1, 2, 3, 4].map((node) => {
      const address = `127.0.${index + 1}.${node}`;
      return `  ${name}${node}: {ip: ${address}, gpus: 8, labels: [of_${name}]}\n`;
    }),
  );
  return `executor: local\nnodes:\n${nodes.join('')}  cpu1: {ip: 127.0.0.1, gpus: 0, labels: [cpu]}\n`;
}
