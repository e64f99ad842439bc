import { canonicalJson } from '../../core/canonical-json.ts';
import { AssayError } from '../../core/errors.ts';
import { amendRun } from '../../evidence/amend-run.ts';
import type { Amendment } from '../../evidence/amend-run.ts';
import { manifestSchema } from '../../evidence/manifest.ts';
import type { Manifest } from '../../evidence/manifest.ts';
import { checkRawData } from '../../evidence/reparsed-raw.ts';
import { areStored, draftTables, loadReparsed, storedTables, withStaging } from '../../evidence/reparsed-tables.ts';
import type { ReparsedTable } from '../../evidence/reparsed-tables.ts';
import { readManifest } from '../../evidence/run-reader.ts';
import type { SampleColumn } from '../../evidence/tables/samples.ts';
import { withVerification, writeVerification } from '../../evidence/verification.ts';
import type { Verification } from '../../evidence/verification.ts';
import type { Framework } from '../../lifecycle/adapter.ts';
import { figuresOf, recordedResult } from '../../lifecycle/figures.ts';
import { judgeRun } from '../../lifecycle/judge-run.ts';
import type { JudgedRun } from '../../lifecycle/judge-run.ts';
import { lastYardstick } from './last-yardstick.ts';
import { readerOf } from './read-again.ts';
import type { Reader, Reading } from './read-again.ts';
import { isJudgeable } from './rejudge.ts';
import { changedFigures } from './reparse-changes.ts';
import type { FigureChange } from './reparse-changes.ts';
import { tool } from '../tool.ts';

/** How a run is read again. */
export interface ReparseOptions {
  /** Whose adapters read it. */
  readonly frameworks: readonly Framework[];
  /** Reads and judges, and leaves the run as it is. Default: false. */
  readonly isDryRun?: boolean;
}

/** A run that was read again. */
export interface Reparsed {
  readonly folder: string;
  /** As it is now; in a dry run as it would be. */
  readonly manifest: Manifest;
  /** What is another figure than before, with the number of rows always last; empty when nothing is. */
  readonly changes: readonly FigureChange[];
}

/**
 * Reads a run that has ended once more, by today's parser, from what lies in its directory, and judges it again by
 * what it was judged by last. Nothing is launched, and what it is read from stays as it is, to the byte. Where nothing
 * comes out otherwise the whole run does.
 *
 * @throws AssayError NOTHING_TO_PARSE for a run that never came so far, EVIDENCE_MISSING or EVIDENCE_DAMAGED when what
 * it is read from is not what was recorded, PARSE_FAILED when it cannot be read. The run is then as it was.
 */
export async function reparse(folder: string, options: ReparseOptions): Promise<Reparsed> {
  const found = readManifest(folder);
  refuseUnparsed(folder, found);
  await checkRawData(folder, found, storedTables(folder, found));
  let before = found;
  let after = found;
  const amended = await amendRun(folder, (manifest) => {
    before = manifest;
    after = manifest;
    return withStaging(
      folder,
      storedTables(folder, manifest, sampleColumnsOf(manifest, options.frameworks)),
      async (staging) => {
        const reader = readerOf(folder, manifest, options.frameworks);
        const reading = await reader.read(staging.writer);
        const tables = await staging.finish();
        const today = await judged(folder, manifest, { reader, reading, tables });
        const isStored = await areStored(folder, tables);
        if (isStored && isSame(manifest, today.manifest)) return null;
        after = today.manifest;
        return options.isDryRun === true ? null : amendment(folder, today);
      },
    );
  });
  const manifest = options.isDryRun === true ? after : amended;
  return { folder, manifest, changes: changedFigures(before, manifest) };
}

function sampleColumnsOf({ framework }: Manifest, frameworks: readonly Framework[]): readonly SampleColumn[] {
  return frameworks.find(({ spec }) => spec.name === framework)?.sampleColumns ?? [];
}

function refuseUnparsed(folder: string, { status, failure, skip, interruption, ...manifest }: Manifest): void {
  if (status === 'failed_parse' || isJudgeable({ status, ...manifest })) return;
  const why = failure?.message ?? skip?.detail ?? interruption;
  throw new AssayError(
    'NOTHING_TO_PARSE',
    `${folder} has nothing to parse: its status is ${status}${why === null ? '' : ` (${why})`}`,
    { hint: 'run the cell again' },
  );
}

/** A run as it reads today. */
interface Today {
  readonly manifest: Manifest;
  readonly verification: Verification;
  readonly tables: readonly ReparsedTable[];
}

interface Read {
  readonly reader: Reader;
  readonly reading: Reading;
  readonly tables: readonly ReparsedTable[];
}

async function judged(folder: string, before: Manifest, { reader, reading, tables }: Read): Promise<Today> {
  const rows = await loadReparsed(tables);
  const figures = recordedResult(figuresOf(reading.result, rows));
  const verification = judgeAgain(folder, before, { reader, run: { tables: rows, result: figures.result } });
  const manifest = manifestSchema.safeParse({
    ...before,
    ...figures,
    ...judgementIn(before, verification),
    imported: reading.imported,
    // Not later than the verdicts: they are of these rows.
    reparses: [...before.reparses, { reparsed_at: verification.verified_at, tool_version: tool.version }],
    samples_path: pathOf(tables, 'samples'),
    trajectory_path: pathOf(tables, 'trajectory'),
    sidecars: { ...before.sidecars, ...sidecarsOf(tables) },
  });
  if (manifest.data !== undefined) return { manifest: manifest.data, verification, tables };
  const wrong = manifest.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
  throw new AssayError('PARSE_FAILED', `what is read from ${folder} makes no figures: ${wrong}`);
}

interface Judging {
  readonly reader: Reader;
  readonly run: JudgedRun;
}

function judgeAgain(folder: string, before: Manifest, { reader, run }: Judging): Verification {
  const { patterns, ...yardstick } = lastYardstick(folder, before);
  const judgement = judgeRun(reader, run, yardstick);
  // What stands in the logs stands there still, and nobody has searched them now.
  const { status, failure } = before.status === 'failed_pattern' ? before : judgement;
  return { ...judgement, patterns, status, failure };
}

function judgementIn({ verifications }: Manifest, verification: Verification): Partial<Manifest> {
  const { status, failure, verdicts } = verification;
  return { status, failure, verdicts: [...verdicts], verifications: withVerification(verifications, verification) };
}

function pathOf(tables: readonly ReparsedTable[], name: string): string | null {
  const table = tables.find(({ schema }) => schema.name === name);
  return table === undefined || table.path === null ? null : table.file;
}

function sidecarsOf(tables: readonly ReparsedTable[]): Manifest['sidecars'] {
  const made = tables.flatMap(({ file, rows, staged }) =>
    staged === null ? [] : [[file, { sha256: staged.sha256, bytes: staged.bytes, rows }] as const],
  );
  return Object.fromEntries(made);
}

/** Whether a run says the same of its workload, whoever said it and when. */
function isSame(before: Manifest, after: Manifest): boolean {
  const said = ({ imported, framework_versions, result, status, failure, verdicts, sidecars }: Manifest) =>
    canonicalJson({ imported, framework_versions, result, status, failure, verdicts, sidecars });
  return said(before) === said(after);
}

/**
 * Everything new is laid beside what it replaces, and counts from the moment that the manifest speaks of it. A process
 * that dies before leaves the run as it was; one that dies after leaves drafts that the next reader puts in their
 * places, having compared their hashes. What the run was read from is not touched, so that it can be read once more.
 */
function amendment(folder: string, { manifest, verification, tables }: Today): Amendment {
  writeVerification(folder, verification, { isDraft: true });
  const { file = '' } = manifest.verifications.at(-1) ?? {};
  return { manifest, files: { ...draftTables(folder, tables), [file]: null } };
}
