import { relative } from 'node:path';
import { formatProblem } from '../../config/yaml/problem.ts';
import { AssayError } from '../../core/errors.ts';
import type { ClaimPlace } from './claim-place.ts';

/** One thing wrong with a suite file, written so that it can be mended without asking. */
export interface SuiteProblem {
  readonly place: ClaimPlace;
  /** The claim it is about; null for the file. */
  readonly claim: string | null;
  /** What is wrong, with the value. */
  readonly message: string;
  /** What to do. */
  readonly hint: string;
}

/** One error that carries every problem of every suite file, each with its place relative to the working directory. */
export function suitesError(problems: readonly SuiteProblem[]): AssayError {
  const files = new Set(problems.map(({ place }) => place.file)).size;
  const inOrder = problems.toSorted((a, b) => a.place.file.localeCompare(b.place.file) || a.place.line - b.place.line);
  const lines = inOrder.map(({ place, claim, message, hint }) =>
    formatProblem({ ...place, file: relative(process.cwd(), place.file), path: claim ?? '', message, hint }),
  );
  const counts = `${counted(problems.length, 'problem')} in ${counted(files, 'suite file')}. Nothing was launched.`;
  return new AssayError('CLAIMS_INVALID', [...lines, counts].join('\n'), {
    hint: 'mend the places above and run again',
  });
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
