import { execa } from 'execa';

/** Why an engine that only root can start is not testable here: what is missing; null when nothing is. */
export async function missingPrograms(programs: readonly string[]): Promise<string | null> {
  if (process.platform !== 'linux') return 'containers run on Linux only';
  if (process.getuid?.() !== 0) return 'only root can start the engine';
  for (const program of programs) {
    const { failed } = await execa('sh', ['-c', 'command -v "$1"', 'sh', program], { reject: false });
    if (failed) return `${program} is not installed`;
  }
  return null;
}
