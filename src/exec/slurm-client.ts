import type { Command, Finished, RunOptions } from './executor.ts';
import { describeExit } from './exit.ts';
import { runLocal } from './local.ts';

// Where the clients look for their cluster and their identity: all that they may take from our environment.
const NEEDED = new Set(['SLURM_CONF', 'SLURM_CONF_SERVER', 'SLURM_JWT']);

/**
 * A command of Slurm's clients. What their environment would tell them is taken away: inside of another
 * Slurm job it holds that job's shape, and outside the habits of whoever started us.
 */
export function slurmCommand(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Command {
  const foreign = Object.keys(process.env).filter(
    (name) => /^(SLURM|SBATCH|SRUN|SQUEUE|SCANCEL|SCONTROL)_/.test(name) && !NEEDED.has(name),
  );
  if (foreign.length === 0) return { file, args, env };
  return { file: 'env', args: [...foreign.flatMap((name) => ['-u', name]), file, ...args], env };
}

/** Asks one of Slurm's clients; rejects only when aborted. */
export function askSlurm(file: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return runLocal(slurmCommand(file, args), options);
}

/** What a client of Slurm complained about, on one line and without its name in front of each. */
export function complaintOf({ exit, stderr }: Finished): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.replace(/^(sbatch|squeue|scancel|scontrol|srun): ((error|fatal): )?/, '').trim())
    .filter((line) => line !== '');
  return lines.length === 0 ? `it ${describeExit(exit)}` : lines.join('; ');
}
