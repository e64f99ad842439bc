import { basename, extname } from 'node:path';
import { place } from './issues/issues.ts';
import { withOverrides } from './override.ts';
import type { Override } from './override.ts';
import { resolvePlaceholders } from './yaml/placeholders.ts';
import type { Problem } from './yaml/problem.ts';
import { thresholdsFileSchema } from './schema/schema.ts';
import { show } from './issues/show.ts';
import { checkThresholdsFile, hasThresholds, joinThresholds, readThresholdsFile } from './thresholds-file.ts';
import { readYamlFile } from './yaml/yaml-file.ts';
import type { YamlReading, YamlSource } from './yaml/yaml-source.ts';

/** What the document of a config depends on besides its file. */
export interface ReadOptions {
  /** Absolute folder that the files are relative to. */
  readonly root: string;
  /** What `${env:NAME}` refers to. */
  readonly env: Environment;
  readonly overrides: readonly Override[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** A config, and the fields of which a part could not be read. */
interface ConfigReading extends YamlReading {
  readonly lost: readonly string[];
}

/** The document of a config: the thresholds beside it joined in, overrides applied, placeholders resolved. */
export function readConfig(file: string, { root, env, overrides }: ReadOptions): ConfigReading {
  const config = readYamlFile(file, root);
  if (config.source === null) return { ...config, lost: [] };
  const other = describeOther(config.source);
  if (other !== null) return { source: null, problems: [other], lost: [] };
  const beside = readThresholdsFile(file, root);
  const joined = beside.source === null ? config.source : joinThresholds(config.source, beside.source);
  const overridden = withOverrides(joined, overrides);
  // Last: an override may stand in for a placeholder, or be one.
  const resolved = resolvePlaceholders(overridden.source, env);
  const ofThresholds = beside.source === null ? [] : checkThresholdsFile(beside.source);
  const isWhole = beside.source === null ? beside.problems.length === 0 : hasThresholds(beside.source);
  return {
    source: resolved.source,
    problems: [...config.problems, ...beside.problems, ...ofThresholds, ...overridden.problems, ...resolved.problems],
    lost: isWhole ? [] : ['thresholds'],
  };
}

/** What a file is instead of a config: no mapping at all, a cluster file, or thresholds of no config. */
function describeOther(source: YamlSource): Problem | null {
  const { value, file } = source;
  const name = basename(file, extname(file));
  const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value);
  const isCluster = isMapping
    ? !('framework' in value) && ('nodes' in value || 'hosts' in value)
    : Array.isArray(value) && value.every((item) => typeof item === 'string');
  if (isCluster) {
    const hint = `name it ${name}.cluster.yaml, and pass it with \`--cluster\``;
    return place(source, { path: [], message: 'this is a cluster file, not a workload config', hint });
  }
  if (isMapping) {
    const isThresholds = Object.keys(value).every((field) => Object.hasOwn(thresholdsFileSchema.shape, field));
    if (!isThresholds || !('thresholds' in value)) return null;
    const hint = 'name it after its config: bench.thresholds.yaml for bench.yaml';
    return place(source, { path: [], message: 'this has thresholds alone, and is no workload config', hint });
  }
  const message = `this is ${Array.isArray(value) ? 'a list' : show(value)}, not a workload config`;
  return place(source, { path: [], message, hint: 'write fields: `schema_version: "2"`, `test_id: ...`' });
}
