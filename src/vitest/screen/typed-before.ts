import { VARIABLES } from '../../core/variables.ts';
import { shellWord } from '../../exec/shell-quote.ts';

const CARRIED = [VARIABLES.set, VARIABLES.configs, VARIABLES.cluster] as const;

/**
 * What the command line changed for this session, to be typed before a command: without it that would be about
 * another workload. Empty, or with a blank at its end.
 */
export function typedBefore(env: Readonly<Record<string, string | undefined>>): string {
  return CARRIED.map((name) => [name, env[name] ?? ''] as const)
    .map(([name, value]) => (value === '' ? '' : `${name}=${shellWord(value)} `))
    .join('');
}
