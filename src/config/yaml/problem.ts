import { AssayError } from '../../core/errors.ts';
import type { Place } from './place.ts';

/** One thing wrong with one place of a config, written so that it can be mended without asking. */
export interface Problem extends Place {
  /** What is wrong, with the value. */
  readonly message: string;
  /** What to do. */
  readonly hint: string;
}

/** What is wrong and what to do, not yet placed in a file. */
export type Complaint = Pick<Problem, 'message' | 'hint'>;

/** A problem as one line: `file:line:column path: what is wrong - what to do`. */
export function formatProblem(problem: Problem): string {
  const { file, line, column, path, message, hint } = problem;
  const place = line === 0 ? file : `${file}:${line}:${column}`;
  return `${place} ${path === '' ? '' : `${path}: `}${message} - ${hint}`;
}

/** One error that carries every problem of every file. */
export function configError(problems: readonly Problem[], files: number): AssayError {
  const broken = new Set(problems.map((problem) => problem.file)).size;
  // A thresholds file is read with its config, whether or not a session names it.
  const all = Math.max(files, broken);
  const count = `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'} in ${broken} of ${all} ${all === 1 ? 'file' : 'files'}`;
  const inOrder = problems.toSorted((a, b) => a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column);
  const lines = inOrder.map((problem) => formatProblem(problem));
  return new AssayError('CONFIG_INVALID', [...lines, `${count}. Nothing was launched.`].join('\n'), {
    hint: 'mend the places above and run again',
  });
}
