import type { Manifest } from '../../evidence/manifest.ts';
import { RUN_FILES } from '../../evidence/run-folder.ts';

type Figure = string | number | boolean | null;

/** One figure of a run that reads otherwise than before; null stands for one that was not measured or not there. */
export interface FigureChange {
  readonly figure: string;
  readonly before: Figure;
  readonly after: Figure;
}

/** What a run says otherwise after it was read again: status, outcomes, figures and, if any of them changed, its rows. */
export function changedFigures(before: Manifest, after: Manifest): readonly FigureChange[] {
  const [was, is] = [figuresIn(before), figuresIn(after)];
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])];
  const all = names.map((figure) => ({ figure, before: was[figure] ?? null, after: is[figure] ?? null }));
  const changes = all.filter((change) => change.before !== change.after);
  const rows = ROWS.map(([figure, file]) => ({ figure, before: rowsOf(before, file), after: rowsOf(after, file) }));
  if (changes.length === 0 && rows.every((change) => change.before === change.after)) return [];
  return [...changes, ...rows];
}

const ROWS = [
  ['rows', RUN_FILES.samples],
  ['points', RUN_FILES.trajectory],
] as const;

function rowsOf({ sidecars }: Manifest, file: string): number | null {
  return sidecars[file]?.rows ?? null;
}

function figuresIn({ status, verdicts, result, framework_versions: versions }: Manifest): Record<string, Figure> {
  const outcomes = verdicts.map(({ benchmark, outcome }) => [`verdict ${benchmark}`, outcome] as const);
  const applied = Object.entries(result.applied).flatMap(([name, { asked, applied: inForce }]) => [
    [`asked ${name}`, asked] as const,
    [`applied ${name}`, inForce] as const,
  ]);
  return {
    status,
    ...Object.fromEntries(outcomes),
    ...result.scalars,
    ...result.measured,
    ...Object.fromEntries(applied),
    ...Object.fromEntries(Object.entries(versions).map(([name, version]) => [`version ${name}`, version])),
  };
}
