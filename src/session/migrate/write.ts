import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AssayError } from '../../core/errors.ts';
import { writeFileAtomically } from '../../evidence/atomic-file.ts';
import { checkRendered } from './check.ts';
import type { MigratedFile, MigrateOptions } from './migrate.ts';
import type { Note } from './outcome.ts';
import { reportText } from './report.ts';

/** The name of the report in the output folder. */
export const REPORT = 'migration-report.md';

/** One file to write, relative to the output folder. */
export interface Output {
  readonly file: string;
  readonly text: string;
}

/** Adds what the loader says of the configs, other than that places are to be filled in. */
export function withChecks(
  files: readonly MigratedFile[],
  { specs }: Pick<MigrateOptions, 'specs'>,
): readonly MigratedFile[] {
  const problems = checkRendered(
    files.flatMap(({ configs }) => configs),
    specs,
  );
  return files.map((file) => {
    const own = new Set(file.configs.flatMap(({ file: name, thresholds }) => [name, thresholds?.file ?? name]));
    const refused = problems
      .filter((problem) => own.has(problem.file))
      .map((problem): Note => {
        const { line, path, message, hint } = problem;
        const output = `${problem.file}:${line} ${path}`;
        return { kind: 'refused', file: file.file, path: '', value: null, why: message, todo: hint, output };
      });
    return refused.length === 0 ? file : { ...file, notes: [...refused, ...file.notes] };
  });
}

/** Every file that a migration writes; the report last. */
export function outputsOf(files: readonly MigratedFile[]): readonly Output[] {
  const configs = files.flatMap((file) => file.configs);
  return [
    ...configs.flatMap(({ file, text, thresholds }) => [{ file, text }, ...(thresholds === null ? [] : [thresholds])]),
    { file: REPORT, text: reportText(files) },
  ];
}

/**
 * Refuses to write over anything that is there.
 *
 * @throws AssayError USAGE
 */
export function refuseExisting(outputs: readonly Output[], folder: string): void {
  const existing = outputs.filter(({ file }) => existsSync(join(folder, file))).map(({ file }) => file);
  const [first] = existing;
  if (first === undefined) return;
  const others = existing.length === 1 ? '' : `, and ${existing.length - 1} more of what would be written`;
  throw new AssayError('USAGE', `${join(folder, first)} is there already${others}`, {
    hint: 'write to another folder with -o, or over them with --force',
  });
}

/** Writes one file: whole or not at all. */
export function writeOutput({ file, text }: Output, folder: string): void {
  const path = join(folder, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileAtomically(path, text);
}
