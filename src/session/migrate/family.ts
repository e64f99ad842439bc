import { fieldsOf } from './legacy.ts';
import type { Legacy } from './legacy.ts';
import type { Migration } from './migration.ts';
import { figureCells } from './shared.ts';
import type { Made } from './shared.ts';
import { migrateCombos } from './families/combos.ts';
import { migrateJaxmaxtext } from './families/jaxmaxtext.ts';
import { migrateMega } from './families/mega.ts';
import { migratePresets } from './families/presets.ts';
import { migrateServing } from './families/serving.ts';
import { migrateSglang } from './families/sglang.ts';
import { migrateXdit } from './families/xdit.ts';

/** The families of legacy configs, told apart by their top-level keys. */
export type Family = 'a' | 'b' | 'c' | 'd' | 'e' | 'f';

/** What a file is: a config of a family, thresholds, or something else. */
export type Recognized =
  | { readonly kind: 'config'; readonly family: Family; readonly migrate: (migration: Migration) => Made }
  | { readonly kind: 'thresholds' }
  | { readonly kind: 'other' };

/** The families that their top-level keys tell; the first that has all of its keys. */
const BY_KEYS: readonly (readonly [keys: readonly string[], recognized: Recognized])[] = [
  [['training', 'paths'], config('c', migrateJaxmaxtext)],
  [['sweep', 'model_params'], config('b', migrateCombos)],
  [['sweep', 'train_params'], config('b', migrateCombos)],
  [['sweep', 'params', 'roles'], config('a', migrateServing)],
  [['config', 'model_params'], config('e', migratePresets)],
];

/** Tells what a legacy file is. */
export function recognize(legacy: Legacy): Recognized {
  if (Object.hasOwn(legacy.value, 'benchmark_params')) return recognizeBenchmarks(legacy);
  const known = BY_KEYS.find(([keys]) => keys.every((key) => Object.hasOwn(legacy.value, key)));
  if (known !== undefined) return known[1];
  return figureCells(legacy).length > 0 ? { kind: 'thresholds' } : { kind: 'other' };
}

function config(family: Family, migrate: (migration: Migration) => Made): Recognized {
  return { kind: 'config', family, migrate };
}

function recognizeBenchmarks(legacy: Legacy): Recognized {
  const models = legacy.fields(['benchmark_params']).map(([, fields]) => fieldsOf(fields));
  const some = (key: string): boolean => models.some((model) => Object.hasOwn(model, key));
  if (some('inference_tests')) return config('d', migrateSglang);
  if (some('torchrun_nproc')) return config('d', migrateXdit);
  return config('f', migrateMega);
}
