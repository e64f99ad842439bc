import { spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeStoredRuns } from './stored-runs.ts';

// `assay export` over many stored runs, as a user types it: the whole process, against the same command over a tenth
// of them. Noise only adds, so the best attempt counts. RUNS sets another number of runs.
const runs = Number(process.env['RUNS'] ?? 10_000);
const added = Math.ceil(runs / 100);
const attempts = 3;
const budget = { fullMs: (3000 * runs) / 10_000, addedMs: 700, rssRatio: 2 };

interface Usage {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly rssMb: number;
}

const repository = fileURLToPath(new URL('../../../../', import.meta.url));
const command = join(repository, 'dist/cli/main.js');
const preload = join(repository, 'bench/usage-at-exit.mjs');

const scratch = mkdtempSync(join(tmpdir(), 'assay-bench-export-'));
try {
  await makeStoredRuns({ artifacts: join(scratch, 'few'), count: runs / 10, samples: 0 });
  await makeStoredRuns({ artifacts: join(scratch, 'many'), count: runs, samples: 0 });
  const few = best(() => exportAll('few', { isCatalogued: false }));
  const many = best(() => exportAll('many', { isCatalogued: false }));
  const catalogued = best(() => exportAll('many', { isCatalogued: true }));
  const more: Usage[] = [];
  for (let attempt = 1; attempt <= attempts; attempt += 1) more.push(await exportMore(runs + (attempt - 1) * added));
  const incremental = best(() => more.pop() ?? many, attempts);

  tell(`assay export  ${runs} runs, from their manifests`, many, budget.fullMs);
  print(`  ${((many.cpuMs - few.cpuMs) / (0.9 * runs)).toFixed(2)} ms CPU a run`);
  print(`  memory ${(many.rssMb / few.rssMb).toFixed(2)} x that of ${runs / 10} runs (budget ${budget.rssRatio})`);
  tell(`assay export  ${runs} runs, from the catalogue`, catalogued, budget.fullMs);
  tell(`assay export  ${added} new ones after ${runs}`, incremental, budget.addedMs);
  print(`  ${(incremental.wallMs / catalogued.wallMs).toFixed(2)} x making all rows anew`);
  const isWithin =
    many.wallMs <= budget.fullMs && incremental.wallMs <= budget.addedMs && many.rssMb / few.rssMb <= budget.rssRatio;
  if (!isWithin) print('\nmissed the budget');
  process.exitCode = isWithin ? 0 : 1;
} finally {
  rmSync(scratch, { recursive: true });
}

/** Makes all rows of an artifact directory anew. */
function exportAll(artifacts: string, { isCatalogued }: { readonly isCatalogued: boolean }): Usage {
  if (!isCatalogued) rmSync(join(scratch, artifacts, 'catalog.jsonl'), { force: true });
  return measure(artifacts, '--full');
}

/** Adds runs behind the first so many, and exports again. Nobody noted them in the catalogue. */
async function exportMore(first: number): Promise<Usage> {
  await makeStoredRuns({ artifacts: join(scratch, 'many'), count: added, samples: 0, first });
  return measure('many');
}

function measure(artifacts: string, ...flags: readonly string[]): Usage {
  const usageFile = join(scratch, 'usage.json');
  const argv = ['--import', preload, command, 'export', artifacts, '-o', `${artifacts}.parquet`, ...flags];
  const startedMs = performance.now();
  const { status } = spawnSync(process.execPath, argv, {
    cwd: scratch,
    env: { ...process.env, USAGE_FILE: usageFile },
    stdio: ['ignore', openSync(join(scratch, 'out'), 'w'), 'inherit'],
  });
  const wallMs = performance.now() - startedMs;
  if (status !== 0) throw new Error(`assay export ended with ${status}`);
  return { wallMs, ...(JSON.parse(readFileSync(usageFile, 'utf8')) as Omit<Usage, 'wallMs'>) };
}

/** The least of each figure over the attempts. */
function best(attempt: () => Usage, count = attempts): Usage {
  const usages = Array.from({ length: count }, attempt);
  const least = (key: keyof Usage): number => Math.min(...usages.map((usage) => usage[key]));
  return { wallMs: least('wallMs'), cpuMs: least('cpuMs'), rssMb: least('rssMb') };
}

function tell(title: string, usage: Usage, budgetMs: number): void {
  print(`\n${title}`);
  print(`  wall   ${usage.wallMs.toFixed(0)} ms (budget ${budgetMs.toFixed(0)})`);
  print(`  CPU    ${usage.cpuMs.toFixed(0)} ms`);
  print(`  memory ${usage.rssMb.toFixed(0)} MB`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
