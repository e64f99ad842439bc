import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { explainIssues, place } from './issues.ts';
import type { Problem } from './problem.ts';
import { valueAt } from './schema-lookup.ts';
import { thresholdsFileSchema } from './schema.ts';
import { parseYaml } from './yaml-source.ts';
import type { PathStep, YamlReading, YamlSource } from './yaml-source.ts';

const THRESHOLDS_FILE = /\.thresholds\.(ya?ml)$/;

/** Whether a file holds the thresholds of a config beside it. */
export function isThresholdsFile(file: string): boolean {
  return THRESHOLDS_FILE.test(file);
}

/** The config that a thresholds file belongs to. */
export function configOfThresholds(file: string): string {
  return file.replace(THRESHOLDS_FILE, '.$1');
}

/** The file that the thresholds of a config may live in. */
export function thresholdsOfConfig(config: string): string {
  return config.replace(/\.(ya?ml)$/, '.thresholds.$1');
}

/** Reads `<config>.thresholds.yaml`; its source is null when there is none. */
export function readThresholdsFile(config: string, root: string): YamlReading {
  const file = thresholdsOfConfig(config);
  const path = resolve(root, file);
  if (file === config || !existsSync(path)) return { source: null, problems: [] };
  return parseYaml(file, readFileSync(path, 'utf8'));
}

/** What is wrong with a thresholds file as a whole; its thresholds themselves are checked with the config's. */
export function checkThresholdsFile(source: YamlSource): readonly Problem[] {
  if (Array.isArray(source.value)) {
    const hint = 'write `thresholds:` above it, and indent it by two spaces';
    return [place(source, { path: [], message: 'a list stands where the field `thresholds` is needed', hint })];
  }
  const parsed = thresholdsFileSchema.safeParse(source.value);
  if (parsed.success) return [];
  const issues = explainIssues(thresholdsFileSchema, parsed.error, source.value);
  return issues.filter(({ path }) => path.length < 2).map((issue) => place(source, issue));
}

/** Whether a thresholds file has its thresholds where they are looked for. */
export function hasThresholds({ value }: YamlSource): boolean {
  return Array.isArray(valueAt(value, ['thresholds']));
}

/** The config with the thresholds of both files: first its own, then those beside it. */
export function joinThresholds(config: YamlSource, beside: YamlSource): YamlSource {
  const own = thresholdsIn(config.value);
  const locate = (path: readonly PathStep[]): ReturnType<YamlSource['locate']> => {
    const [field, index, ...rest] = path;
    const isBeside = field === 'thresholds' && typeof index === 'number' && index >= own.length;
    return isBeside ? beside.locate([field, index - own.length, ...rest]) : config.locate(path);
  };
  const thresholds = [...own, ...thresholdsIn(beside.value)];
  return { ...config, value: { ...(config.value as object), thresholds }, locate };
}

function thresholdsIn(value: unknown): readonly unknown[] {
  const thresholds = valueAt(value, ['thresholds']);
  return Array.isArray(thresholds) ? thresholds : [];
}
