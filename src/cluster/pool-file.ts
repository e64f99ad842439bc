import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, extname, resolve } from 'node:path';
import type { z } from 'zod';
import { explainIssues, place } from '../config/issues/issues.ts';
import type { Unplaced } from '../config/issues/issues.ts';
import { resolvePlaceholders } from '../config/yaml/placeholders.ts';
import type { Complaint, Problem } from '../config/yaml/problem.ts';
import { parseYaml } from '../config/yaml/yaml-source.ts';
import type { YamlReading } from '../config/yaml/yaml-source.ts';
import { messageOf } from '../core/errors.ts';
import { findForeignNotation } from './json-notation.ts';
import { draftPool, isList, isMapping } from './pool-draft.ts';
import type { PoolDocument, PoolDraft } from './pool-draft.ts';
import { findConflicts, findMisplaced, POOL_FORMS } from './pool-mistakes.ts';
import { formlessSchema, hostListSchema, hostsSchema, nodesSchema } from './pool-schema.ts';
import type { Pool, PoolNode } from './pool.ts';

/** What a cluster file gave: a pool, null unless there is nothing wrong with it, and everything that is wrong. */
export interface PoolReading {
  readonly pool: Pool | null;
  readonly problems: readonly Problem[];
}

/** Reads a cluster file, YAML or JSON by its extension; `file` is relative to `root` and printed as given. */
export function readPool(file: string, root: string): PoolReading {
  const { source, problems } = readSource(file, root);
  if (source === null) return { pool: null, problems };
  const { pool, mistakes } = understand(source.value, dirname(resolve(root, file)));
  // What stands where a placeholder could not be resolved has been said already.
  const known = new Set(problems.map(({ path }) => path));
  const others = mistakes.map((mistake) => place(source, mistake)).filter(({ path }) => !known.has(path));
  const all = [...problems, ...others];
  return { pool: all.length === 0 ? pool : null, problems: all };
}

function readSource(file: string, root: string): YamlReading {
  const wholeFile = { file, line: 1, column: 1, path: '' };
  const text = readText(resolve(root, file));
  if (typeof text !== 'string') return { source: null, problems: [{ ...wholeFile, ...text }] };
  if (isBlank(text)) return { source: null, problems: [{ ...wholeFile, message: 'is empty', hint: POOL_FORMS }] };
  const isJson = extname(file).toLowerCase() === '.json';
  const foreign = isJson ? findForeignNotation(file, text) : null;
  if (foreign !== null) return { source: null, problems: [foreign] };
  const { source, problems } = parseYaml(file, text);
  if (source === null) return { source, problems };
  const resolved = resolvePlaceholders(source, process.env);
  return { source: resolved.source, problems: [...problems, ...resolved.problems] };
}

function readText(path: string): string | Complaint {
  try {
    // A byte order mark is no column of the first line.
    return readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  } catch (thrown) {
    const hint = 'correct the path of the cluster file; it is relative to the root of the project';
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { message: 'there is no such file', hint };
    if (code === 'EISDIR') return { message: 'is a folder', hint };
    return { message: `cannot be read: ${messageOf(thrown)}`, hint };
  }
}

function isBlank(text: string): boolean {
  return text.split('\n').every((line) => /^\s*(?:#|$)/.test(line));
}

interface Understanding {
  /** What the file means once nothing is wrong with it. */
  readonly pool: Pool | null;
  readonly mistakes: readonly Unplaced[];
}

function understand(value: unknown, folder: string): Understanding {
  if (!isList(value) && !isMapping(value)) {
    return refuse({ message: `${JSON.stringify(value)} is not a cluster file`, hint: POOL_FORMS });
  }
  if (!isList(value) && 'framework' in value) {
    const hint = 'name it among the configs; a cluster file has `nodes`, `hosts` or a list of hosts';
    return refuse({ message: 'is a workload config, not a cluster file', hint });
  }
  const draft = draftPool(value);
  const hasSlurm = !isList(value) && 'slurm' in value;
  return {
    pool: poolOf(draft, folder),
    mistakes: [...findFieldMistakes(value), ...findConflicts(draft, hasSlurm)],
  };
}

function refuse(complaint: Complaint): Understanding {
  return { pool: null, mistakes: [{ path: [], ...complaint }] };
}

function findFieldMistakes(value: PoolDocument): readonly Unplaced[] {
  const schema = schemaFor(value);
  const parsed = schema.safeParse(value);
  const issues = parsed.success ? [] : explainIssues(schema, parsed.error, value);
  const misplaced = findMisplaced(value);
  const explained = new Set(misplaced.map(({ path }) => JSON.stringify(path)));
  return [...misplaced, ...issues.filter(({ path }) => !explained.has(JSON.stringify(path)))];
}

// The form is plain from what is there; a union of the forms would say of every mistake that none accepts it.
function schemaFor(value: PoolDocument): z.ZodType {
  if (isList(value)) return hostListSchema;
  if ('nodes' in value) return nodesSchema;
  return 'hosts' in value ? hostsSchema : formlessSchema;
}

// Paths in a cluster file start where it lies.
function poolOf({ executor, slurm, sshConfig, nodes }: PoolDraft, folder: string): Pool | null {
  if (executor === null) return null;
  return {
    executor,
    slurm: executor === 'slurm' ? slurm : null,
    sshConfig: sshConfig === null ? null : resolve(folder, sshConfig.replace(/^~(?=\/)/, homedir())),
    nodes: nodes.map(({ node }) => withPaths(node, folder)),
  };
}

function withPaths(node: PoolNode, folder: string): PoolNode {
  const { sshKey } = node.address;
  if (sshKey === null || sshKey.startsWith('~/')) return node;
  return { ...node, address: { ...node.address, sshKey: resolve(folder, sshKey) } };
}
