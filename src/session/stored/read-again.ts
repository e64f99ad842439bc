import { AssayError, sentenceOf } from '../../core/errors.ts';
import type { Manifest } from '../../evidence/manifest.ts';
import type { Adapter, Framework, ParseContext, WorkloadResult } from '../../lifecycle/adapter.ts';
import { evaluateAll } from '../../verdicts/evaluate.ts';
import { reparseImported } from '../import/import-results.ts';

/** Reads and judges a run that has ended. */
export interface Reader extends Pick<Adapter, 'verify'> {
  /** Rejects with an AssayError, whatever is wrong with this one run. */
  read(writer: ParseContext['writer']): Promise<Reading>;
}

/** What was read, besides the rows. */
export interface Reading {
  readonly result: WorkloadResult;
  /** Where the run comes from, with what of it could not be kept; null for one that was launched. */
  readonly imported: Manifest['imported'];
}

/**
 * Who reads a run: the adapter of its framework, or the parser of the file that it was imported from.
 *
 * @throws AssayError PARSE_FAILED when this version has none.
 */
export function readerOf(folder: string, run: Manifest, frameworks: readonly Framework[]): Reader {
  const adapter = frameworks.find(({ spec }) => spec.name === run.framework)?.create?.() ?? null;
  if (run.imported !== null) return importedReader(folder, run, adapter?.verify.bind(adapter) ?? evaluateAll);
  if (adapter === null) {
    throw new AssayError('PARSE_FAILED', `this version has no parser for runs of ${run.framework}`, {
      hint: 'read it with the version of vitest-assay that wrote it',
    });
  }
  return {
    verify: (thresholds, tables) => adapter.verify(thresholds, tables),
    async read(writer) {
      try {
        return { result: await adapter.parse({ folder, run, writer }), imported: null };
      } catch (cause) {
        throw new AssayError('PARSE_FAILED', `${folder} cannot be read: ${sentenceOf(cause)}`, { cause });
      }
    },
  };
}

function importedReader(folder: string, run: Manifest, verify: Adapter['verify']): Reader {
  return {
    verify,
    async read(writer) {
      const { rows, result, dropped } = await reparseImported(folder, run);
      for (const row of rows) writer.sample(row);
      return { result, imported: run.imported === null ? null : { ...run.imported, dropped: [...dropped] } };
    },
  };
}
