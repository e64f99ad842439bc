import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { load } from 'js-yaml';

// A second reading of the legacy files, which shares nothing with the first: what it counts must be accounted for.

type Any = Record<string, any>; // oxlint-disable-line typescript/no-explicit-any

/** A legacy file, whatever it is. */
function readAny(file: string): Any {
  return load(readFileSync(file, 'utf8')) as Any;
}

/** Where a config has its thresholds; null without any. */
function thresholdsOf(file: string): string | null {
  const json = readAny(file);
  const named = [
    json['threshold_json'],
    ...Object.values(json['benchmark_params'] ?? {}).map((one) => (one as Any)['threshold_file']),
  ];
  const beside = named
    .filter((name) => typeof name === 'string')
    .map((name: string) => join(dirname(file), basename(name)));
  return beside.find((path) => existsSync(path)) ?? null;
}

/** Every threshold figure of a config, as `<file name> <metric> <value>`, in alphabetical order. */
export function figuresOf(file: string): readonly string[] {
  const beside = thresholdsOf(file);
  const enabled = (json: Any): Any => {
    const { active_benchmark: active, benchmark_params: all } = json;
    return active === undefined ? json : { ...json, benchmark_params: { [active]: all[active] } };
  };
  const own = plainFigures(enabled(readAny(file)), false).map((one) => `${basename(file)} ${one}`);
  const others = beside === null ? [] : kindFigures(readAny(beside)).map((one) => `${basename(beside)} ${one}`);
  return [...own, ...others].toSorted();
}

function plainFigures(value: unknown, isInside: boolean): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key.startsWith('_')) return [];
    const inResults = isInside || key === 'result_dict' || key === 'expected_results';
    return isInside && typeof inner !== 'object' ? [`${key} ${inner}`] : plainFigures(inner, inResults);
  });
}

function kindFigures(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key.startsWith('_')) return [];
    const isFigure = typeof inner === 'object' && inner !== null && 'kind' in inner && 'value' in inner;
    return isFigure ? [`${key} ${(inner as Any)['value']}`] : kindFigures(inner);
  });
}

const SERVED = ['bench_serv_random', 'bench_serv_generated_shared_prefix'];

/** How many cells a config runs. */
export function cellsOf(file: string): number {
  const json = readAny(file);
  if (json['sweep'] !== undefined) return json['sweep'].runs.length;
  if (json['training'] !== undefined) return json['training'].enabled_sweep_list.length;
  if (json['model_params'] !== undefined) {
    const byModel = Object.values(json['model_params'] as Any).flatMap((models) => Object.values(models as Any));
    return byModel.flatMap((gpus) => Object.keys(gpus as Any)).length;
  }
  const { active_benchmark: active, benchmark_params: all } = json;
  const models: readonly Any[] = active === undefined ? Object.values(all) : [all[active]];
  const beside = thresholdsOf(file);
  const keys = beside === null ? [] : Object.keys(readAny(beside)).filter((key) => key.startsWith('ISL='));
  return models.reduce((sum, model) => sum + cellsOfModel(model, keys.length), 0);
}

function cellsOfModel(model: Any, keys: number): number {
  if (model['sequence_combinations'] !== undefined) {
    return model['sequence_combinations'].length * model['concurrency_levels'].length;
  }
  const { inference_tests: tests } = model;
  if (tests === undefined) return 1;
  const loads = Object.keys(tests).filter((name) => SERVED.includes(name));
  return keys === 0 ? loads.length : keys + loads.length - 1;
}
