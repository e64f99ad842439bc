import type { Vitest } from 'vitest/node';

/** Reporters that own stdout: what people read must then go to stderr. */
const MACHINE_REPORTERS = new Set(['json', 'junit', 'tap', 'tap-flat', 'github-actions', 'blob']);

/** Prints a line for people where it disturbs no reporter that machines read. */
export function printLine({ config, logger }: Pick<Vitest, 'config' | 'logger'>, line: string): void {
  const isMachineRead = config.reporters.some(
    (entry) => Array.isArray(entry) && MACHINE_REPORTERS.has(String(entry[0])),
  );
  if (isMachineRead) logger.error(line);
  else logger.log(line);
}
