import type { MigratedFile } from './migrate.ts';
import type { Figure } from './outcome.ts';

/** What a migration came to. */
export interface Totals {
  /** Legacy configs, migratable or not. */
  readonly legacyConfigs: number;
  readonly configs: number;
  readonly notMigratable: number;
  readonly refused: number;
  readonly cells: { readonly carried: number; readonly reported: number };
  readonly thresholds: Readonly<Record<Figure['outcome'], number>>;
  readonly fillIns: number;
}

/** Counts what became of all files. */
export function totalsOf(files: readonly MigratedFile[]): Totals {
  const count = <Item>(
    pick: (file: MigratedFile) => readonly Item[],
    is: (item: Item) => boolean = () => true,
  ): number => files.reduce((sum, file) => sum + pick(file).filter(is).length, 0);
  const inState = (state: MigratedFile['state']): number => files.filter((file) => file.state === state).length;
  const figures = (outcome: Figure['outcome']): number =>
    count(
      (file) => file.figures,
      (one) => one.outcome === outcome,
    );
  return {
    legacyConfigs: inState('migrated') + inState('not_migratable'),
    configs: count((file) => file.configs),
    notMigratable: inState('not_migratable'),
    refused: inState('refused'),
    cells: {
      carried: count(
        (file) => file.cells,
        ({ key }) => key !== null,
      ),
      reported: count(
        (file) => file.cells,
        ({ key }) => key === null,
      ),
    },
    thresholds: { carried: figures('carried'), dropped: figures('dropped'), reported: figures('reported') },
    fillIns: count(
      (file) => file.notes,
      ({ kind }) => kind === 'fill_in',
    ),
  };
}
