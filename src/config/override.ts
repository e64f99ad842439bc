import { AssayError } from '../core/errors.ts';
import type { Place } from './yaml/place.ts';
import type { Complaint, Problem } from './yaml/problem.ts';
import { valueAt } from './issues/schema-lookup.ts';
import { show } from './issues/show.ts';
import { parseYaml } from './yaml/yaml-source.ts';
import type { PathStep, YamlSource } from './yaml/yaml-source.ts';

/** A value given on the command line instead of the one in the config: `--set params.num_prompts=100`. */
export interface Override {
  readonly path: readonly PathStep[];
  readonly value: unknown;
}

const ASSIGNMENT = /^([^=]+)=(.*)$/s;
const PATH = /^[\w<-]+(?:\.[\w-]+|\[\d+\])*$/;

/**
 * Reads `path=value`; the path has dots and indices (`thresholds[0].value`), the value is YAML
 * (`8`, `[8, 16]`, `{isl: 64, osl: 32}`).
 *
 * @throws AssayError USAGE
 */
export function parseOverride(text: string): Override {
  const [, path = '', value = ''] = ASSIGNMENT.exec(text) ?? [];
  if (!PATH.test(path)) {
    throw new AssayError('USAGE', `--set ${text}: this is not path=value`, {
      hint: 'write for example --set params.num_prompts=100',
    });
  }
  const { source, problems } = parseYaml('--set', value);
  const [problem] = problems;
  if (source === null || problem !== undefined) {
    throw new AssayError('USAGE', `--set ${text}: ${problem?.message ?? 'the value is missing'}`, {
      hint: problem?.hint ?? 'write a value after the =',
    });
  }
  return { path: stepsOf(path), value: source.value };
}

function stepsOf(path: string): readonly PathStep[] {
  return [...path.matchAll(/[\w<-]+/g)].map(([step], index) => (index > 0 && /^\d+$/.test(step) ? Number(step) : step));
}

/** A document with the overrides in; their places say that they come from the command line. */
export function withOverrides(
  source: YamlSource,
  overrides: readonly Override[],
): { readonly source: YamlSource; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  let { value } = source;
  for (const override of overrides) {
    const obstacle = sweptBy(value, override) ?? blockedBy(value, override, source);
    if (obstacle === null) value = setAt(value, override.path, override.value);
    else problems.push({ ...markPlace(source.locate(override.path)), ...obstacle });
  }
  const locate = (path: readonly PathStep[]): Place => {
    const isOverridden = overrides.some((override) => override.path.every((step, depth) => step === path[depth]));
    const place = source.locate(path);
    return isOverridden ? markPlace(place) : place;
  };
  return { source: { ...source, value, locate }, problems };
}

function markPlace(place: Place): Place {
  return { ...place, path: `${place.path} (from --set)` };
}

// The sweep would win, and the override would do nothing.
function sweptBy(document: unknown, { path }: Override): Complaint | null {
  const [top, field] = path;
  if (top !== 'params' || path.length !== 2 || typeof field !== 'string') return null;
  const sweep = valueAt(document, ['sweep']);
  for (const [axis, options] of Object.entries(isMapping(sweep) ? sweep : {})) {
    const inOptions =
      Array.isArray(options) && options.some((option) => isMapping(option) && Object.hasOwn(option, field));
    if (axis !== field && !inOptions) continue;
    return { message: `sweep.${axis} sets ${field}`, hint: `override the axis: --set 'sweep.${axis}=[...]'` };
  }
  return null;
}

/** What stands in the way of an override: a value without fields, a list without that item; null where nothing does. */
function blockedBy(document: unknown, { path }: Override, source: YamlSource): Complaint | null {
  for (const [depth, step] of path.entries()) {
    const parent = valueAt(document, path.slice(0, depth));
    if (parent === undefined || parent === null) return null;
    const above = source.locate(path.slice(0, depth)).path;
    if (Array.isArray(parent) && !(typeof step === 'number' && step < parent.length)) {
      const items = parent.length === 1 ? '1 item' : `${parent.length} items`;
      return { message: `${above} is a list of ${items}`, hint: `say which, counted from 0: \`${above}[0]\`` };
    }
    if (!Array.isArray(parent) && !isMapping(parent)) {
      return { message: `${above} is ${show(parent)} and has no fields`, hint: `set it as a whole: \`${above}=...\`` };
    }
  }
  return null;
}

function setAt(target: unknown, [step, ...rest]: readonly PathStep[], value: unknown): unknown {
  if (step === undefined) return value;
  const inner = setAt(valueAt(target, [step]), rest, value);
  if (typeof step === 'number' && Array.isArray(target)) return target.toSpliced(step, 1, inner);
  return { ...(isMapping(target) ? target : {}), [step]: inner };
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
