import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AssayError, sentenceOf } from '../../core/errors.ts';
import { writeFileAtomically } from '../../evidence/atomic-file.ts';
import { checkRendered } from './check.ts';
import type { MigratedFile, MigrateOptions } from './migrate.ts';
import type { Note } from './outcome.ts';
import { isReport, reportText } from './report.ts';
import { shownPath } from './shown-path.ts';

/** The name of the report in the output folder. */
export const REPORT = 'migration-report.md';

/** One file to write, relative to the output folder. */
export interface Output {
  readonly file: string;
  readonly text: string;
  /** Whether it takes the place of what is there without losing any of it. */
  readonly keepsOld: boolean;
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

/** Every file that a migration writes; the report last, with what an earlier one there says of other files. */
export function outputsOf(files: readonly MigratedFile[], folder: string): readonly Output[] {
  const configs = files.flatMap((file) => file.configs);
  const earlier = earlierReport(join(folder, REPORT));
  return [
    ...configs
      .flatMap(({ file, text, thresholds }) => [{ file, text }, ...(thresholds === null ? [] : [thresholds])])
      .map((output) => ({ ...output, keepsOld: false })),
    { file: REPORT, text: reportText(files, earlier ?? ''), keepsOld: earlier !== null },
  ];
}

function earlierReport(path: string): string | null {
  if (!existsSync(path) || !statSync(path).isFile()) return null;
  const text = readFileSync(path, 'utf8');
  return isReport(text) ? text : null;
}

/**
 * Refuses an output folder that cannot be one: a file is in its place, or in that of a folder above it or in it.
 *
 * @throws AssayError USAGE
 */
export function refuseFiles(outputs: readonly Output[], folder: string): void {
  for (const { file } of outputs) {
    let nearest = dirname(join(folder, file));
    while (!existsSync(nearest)) nearest = dirname(nearest);
    if (statSync(nearest).isDirectory()) continue;
    throw new AssayError('USAGE', `${shownPath(nearest)} is a file, where a folder for configs would be`, {
      hint: 'name another folder with -o, such as -o configs',
    });
  }
}

/**
 * Refuses to write over anything that is there.
 *
 * @throws AssayError USAGE
 */
export function refuseExisting(outputs: readonly Output[], folder: string): void {
  const existing = outputs
    .filter(({ file, keepsOld }) => !keepsOld && existsSync(join(folder, file)))
    .map(({ file }) => file);
  const [first] = existing;
  if (first === undefined) return;
  const others = existing.length === 1 ? '' : `, and ${existing.length - 1} more of what would be written`;
  throw new AssayError('USAGE', `${shownPath(join(folder, first))} is there already${others}`, {
    hint: 'write to another folder with -o, or over them with --force',
  });
}

/** Writes one file: whole or not at all. */
export function writeOutput({ file, text }: Output, folder: string): void {
  const path = join(folder, file);
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (cause) {
    throw new AssayError('EVIDENCE_UNWRITABLE', `${dirname(path)} cannot be made: ${sentenceOf(cause)}`, {
      hint: 'name another folder with -o',
      cause,
    });
  }
  writeFileAtomically(path, text);
}
