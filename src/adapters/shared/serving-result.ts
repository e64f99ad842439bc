import { AssayError } from '../../core/errors.ts';
import type { SampleRow } from '../../evidence/tables/samples.ts';
import { WorkloadFailure } from '../../evidence/failure.ts';
import { readArtifact } from '../../lifecycle/artifact.ts';
import { readResults } from './results/read-results.ts';
import type { FoundRun } from './results/read-results.ts';
import type { ResultFormat } from './results/result-run.ts';

const SNIPPET_LENGTH = 200;

/**
 * Reads the one load that a load client left in a file.
 *
 * @throws WorkloadFailure parse_failure with the path, the size and a snippet when it cannot be read, or holds several.
 */
export async function readServingResult(path: string, format: ResultFormat): Promise<FoundRun> {
  const text = await readArtifact(path);
  const runs = runsIn(path, text, format);
  const [run] = runs;
  if (run !== undefined && runs.length === 1) return run;
  throw new WorkloadFailure('parse_failure', `${path} holds ${runs.length} loads - a cell is one load`);
}

function runsIn(path: string, text: string, format: ResultFormat): readonly FoundRun[] {
  try {
    return readResults({ file: path, bytes: Buffer.from(text) }, format).runs;
  } catch (thrown) {
    if (!(thrown instanceof AssayError)) throw thrown;
    const size = `${Buffer.byteLength(text)} bytes`;
    throw new WorkloadFailure('parse_failure', `${thrown.message} (${size})`, [text.slice(0, SNIPPET_LENGTH)]);
  }
}

/** A request of a result file with its place; `startMs` is when the load began, milliseconds since the Unix epoch. */
export function placedRow(
  row: SampleRow,
  { role, host, startMs }: { readonly role: string; readonly host: string; readonly startMs: number },
): SampleRow {
  return { ...row, tsMs: startMs + row.tsMs, role, host };
}
