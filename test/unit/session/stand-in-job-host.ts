import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import type { RunEnd } from '../../../src/session/job-messages.ts';

const NODE = process.execPath;

/** What a stand-in does instead of running a cell. */
interface StandIn {
  /** How each run ends; null for one that goes on until it is told to stop. */
  readonly end: RunEnd | null;
  /** What the process exits with. */
  readonly code?: number;
}

/** Until the test is over, job hosts are processes that run nothing and say what they are told. */
export function standInForJobHosts({ end, code = 0 }: StandIn): void {
  const folder = mkdtempSync(join(tmpdir(), 'stand-in-'));
  const program = join(folder, 'job-host.mjs');
  writeFileSync(
    program,
    `import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
const say = (message) => writeSync(3, JSON.stringify(message) + '\\n');
const end = ${JSON.stringify(end)};
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const { type } = JSON.parse(line);
  if (type === 'run') say({ type: 'phase', phase: 'prepare' });
  if (type === 'run' && end !== null) say({ type: 'finished', end });
  if (type === 'stop') say({ type: 'finished', end: { status: 'interrupted', isKept: false, isClean: true } });
});
lines.on('close', () => process.exit(${code}));
`,
  );
  // A job host is started as `node job-host.js`: this node runs another program.
  process.execPath = executable(folder, 'node', `exec '${NODE}' '${program}'`);
  onTestFinished(() => {
    process.execPath = NODE;
  });
}

/** Until the test is over, Slurm takes every job, and has nothing in its queue; `asked` in the folder has a line for each. */
export function standInForSlurm(sbatch = ''): { readonly folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'slurm-'));
  executable(folder, 'sbatch', `cd '${folder}'\necho "$$" >> asked\n${sbatch}\necho "$$"`);
  for (const name of ['squeue', 'scancel', 'scontrol']) executable(folder, name, 'exit 0');
  vi.stubEnv('PATH', [folder, process.env['PATH']].join(delimiter));
  onTestFinished(() => void vi.unstubAllEnvs());
  return { folder };
}

function executable(folder: string, name: string, script: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}
