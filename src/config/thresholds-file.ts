import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { explainIssues, place } from './issues/issues.ts';
import type { Problem } from './yaml/problem.ts';
import { valueAt } from './issues/schema-lookup.ts';
import { thresholdsFileSchema } from './schema/schema.ts';
import { readYamlFile } from './yaml/yaml-file.ts';
import type { PathStep, YamlReading, YamlSource } from './yaml/yaml-source.ts';

const THRESHOLDS_FILE = /\.thresholds\.(ya?ml)$/;

/** Whether a file holds the thresholds of a config beside it. */
export function isThresholdsFile(file: string): boolean {
  return THRESHOLDS_FILE.test(file);
}

const EXTENSIONS = ['yaml', 'yml'] as const;

/** The config that a thresholds file belongs to, with either extension; `isThere` is whether there is one. */
export function configOfThresholds(file: string, root: string): { readonly config: string; readonly isThere: boolean } {
  const config = file.replace(THRESHOLDS_FILE, '.$1');
  const all = [config, ...EXTENSIONS.map((extension) => config.replace(/ya?ml$/, extension))];
  const found = all.find((one) => existsSync(resolve(root, one)));
  return { config: found ?? config, isThere: found !== undefined };
}

/** The file that the thresholds of a config may live in. */
export function thresholdsOfConfig(config: string): string {
  return config.replace(/\.(ya?ml)$/, '.thresholds.$1');
}

/** Reads `<config>.thresholds.yaml`; its source is null when there is none. */
export function readThresholdsFile(config: string, root: string): YamlReading {
  if (!/\.ya?ml$/.test(config)) return { source: null, problems: [] };
  const usual = thresholdsOfConfig(config);
  const all = EXTENSIONS.map((extension) => usual.replace(/ya?ml$/, extension));
  const [file, second] = all.filter((one) => existsSync(resolve(root, one)));
  if (file === undefined) return { source: null, problems: [] };
  const reading = readYamlFile(file, root);
  if (second === undefined) return reading;
  const twice = { message: `${file} has thresholds of ${config} too`, hint: 'keep one of the two files' };
  return { ...reading, problems: [...reading.problems, { file: second, line: 1, column: 1, path: '', ...twice }] };
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
