import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { place } from './issues.ts';
import { withOverrides } from './override.ts';
import type { Override } from './override.ts';
import { resolvePlaceholders } from './placeholders.ts';
import type { Problem } from './problem.ts';
import { checkThresholdsFile, joinThresholds, readThresholdsFile } from './thresholds-file.ts';
import { parseYaml } from './yaml-source.ts';
import type { YamlReading, YamlSource } from './yaml-source.ts';

/** What the document of a config depends on besides its file. */
export interface ReadOptions {
  /** Absolute folder that the files are relative to. */
  readonly root: string;
  /** What `${env:NAME}` refers to. */
  readonly env: Environment;
  readonly overrides: readonly Override[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The document of a config: placeholders resolved, the thresholds beside it joined in, overrides applied. */
export function readConfig(file: string, { root, env, overrides }: ReadOptions): YamlReading {
  const config = resolveReading(parseYaml(file, readFileSync(resolve(root, file), 'utf8')), env);
  if (config.source === null) return config;
  const other = describeOther(config.source);
  if (other !== null) return { source: null, problems: [other] };
  const beside = resolveReading(readThresholdsFile(file, root), env);
  const joined = beside.source === null ? config.source : joinThresholds(config.source, beside.source);
  const { source, problems } = withOverrides(joined, overrides);
  const ofThresholds = beside.source === null ? [] : checkThresholdsFile(beside.source);
  return { source, problems: [...config.problems, ...beside.problems, ...ofThresholds, ...problems] };
}

function resolveReading({ source, problems }: YamlReading, env: Environment): YamlReading {
  if (source === null) return { source, problems };
  const resolved = resolvePlaceholders(source, env);
  return { source: resolved.source, problems: [...problems, ...resolved.problems] };
}

/** What a file is instead of a config: no mapping at all, or a cluster file. */
function describeOther(source: YamlSource): Problem | null {
  const { value } = source;
  const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (isMapping && ('framework' in value || !('nodes' in value || 'hosts' in value))) return null;
  if (isMapping || (Array.isArray(value) && value.every((item) => typeof item === 'string'))) {
    return place(source, {
      path: [],
      message: 'this is a cluster file, not a workload config',
      hint: 'name it *.cluster.yaml, and pass it as the cluster',
    });
  }
  const message = `this is ${Array.isArray(value) ? 'a list' : JSON.stringify(value)}, not a workload config`;
  return place(source, { path: [], message, hint: 'write fields: `schema_version: "2"`, `test_id: ...`' });
}
