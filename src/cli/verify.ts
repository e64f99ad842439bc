import { resolve } from 'node:path';
import { defineCommand } from 'citty';
import type { ArgsDef } from 'citty';
import { AssayError } from '../core/errors.ts';
import { findRuns } from '../evidence/find-runs.ts';
import { checkEvidence, readManifest } from '../evidence/run-reader.ts';
import { readOptions } from './arguments.ts';
import { EXIT } from './exit.ts';

const verifyOptions = {
  folder: { type: 'positional', default: 'runs', description: 'artifact directory, or a folder inside one' },
  evidence: { type: 'boolean', required: true, description: 'check sizes and hashes of all files' },
  json: { type: 'boolean', description: 'print one JSON document' },
} as const satisfies ArgsDef;

/** `assay verify --evidence [folder]`: is everything that was recorded still there, unchanged? */
export const verify = defineCommand({
  meta: {
    name: 'verify',
    description: 'Re-check every file of stored runs against its recorded hash.',
  },
  args: verifyOptions,
  async run({ rawArgs }) {
    const options = readOptions(rawArgs, verifyOptions);
    const checks: EvidenceCheck[] = [];
    for (const run of findRuns(resolve(options.one('folder') ?? 'runs'))) checks.push(await checkRun(run));
    const broken = checks.filter(({ problem }) => problem !== null);
    if (options.has('json')) process.stdout.write(`${JSON.stringify({ runs: checks }, null, 2)}\n`);
    else process.stdout.write(describe(checks));
    process.exitCode = broken.length === 0 ? EXIT.ok : EXIT.failed;
  },
});

/** What `assay verify --help` shows below the options. */
export const verifyExamples = `  assay verify --evidence                 check every stored run under runs/
  assay verify --evidence runs/my_test    only those of one config
  assay verify --evidence --json | jq '.runs[] | select(.problem)'
`;

interface EvidenceCheck {
  readonly run: string;
  /** What is wrong and what to do; null when nothing is. */
  readonly problem: { readonly message: string; readonly hint: string | null } | null;
}

async function checkRun(run: string): Promise<EvidenceCheck> {
  try {
    await checkEvidence(run, readManifest(run), { hashes: true });
    return { run, problem: null };
  } catch (thrown) {
    if (!(thrown instanceof AssayError)) throw thrown;
    return { run, problem: { message: thrown.message, hint: thrown.hint ?? null } };
  }
}

function describe(checks: readonly EvidenceCheck[]): string {
  const broken = checks.flatMap(({ problem }) => (problem === null ? [] : [problem]));
  const lines = broken.map(({ message, hint }) => ` ✗ ${message}${hint === null ? '' : `\n   next: ${hint}`}`);
  const count = `${checks.length} ${checks.length === 1 ? 'run' : 'runs'} checked, ${broken.length} damaged`;
  return `${[...lines, count].join('\n')}\n`;
}
