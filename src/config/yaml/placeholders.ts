import { place } from '../issues/issues.ts';
import type { Unplaced } from '../issues/issues.ts';
import type { Complaint, Problem } from './problem.ts';
import { soundsSecret } from '../schema/secrets.ts';
import { shorten, show } from '../issues/show.ts';
import { numberTrap, plainValue } from './yaml-scalar.ts';
import type { PathStep, YamlSource } from './yaml-source.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Puts the values of environment variables where `${env:NAME}` stands, and finds every placeholder that nothing
 * fills. A placeholder with a problem stays as it was written; the places of the others say which variable they are from.
 */
export function resolvePlaceholders(
  source: YamlSource,
  env: Environment,
): { readonly source: YamlSource; readonly problems: readonly Problem[] } {
  const mistakes: Unplaced[] = [];
  const filled = new Map<string, string>();
  const value = resolveIn(source.value, [], { env, mistakes, filled });
  const locate: YamlSource['locate'] = (path) => {
    const written = source.locate(path);
    const name = filled.get(JSON.stringify(path));
    return name === undefined ? written : { ...written, path: `${written.path} (from ${name})` };
  };
  return { source: { ...source, value, locate }, problems: mistakes.map((mistake) => place(source, mistake)) };
}

interface Resolving {
  readonly env: Environment;
  readonly mistakes: Unplaced[];
  /** The variables whose values stand in the document, by path. */
  readonly filled: Map<string, string>;
}

function resolveIn(value: unknown, path: readonly PathStep[], resolving: Resolving): unknown {
  if (typeof value === 'string') return resolveText(value, path, resolving);
  if (Array.isArray(value)) return value.map((item, index) => resolveIn(item, [...path, index], resolving));
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).map(([name, inner]) => {
    const complaint = describeName(name);
    if (complaint !== null) resolving.mistakes.push({ path: [...path, name], ...complaint });
    return [name, resolveIn(inner, [...path, name], resolving)];
  });
  return Object.fromEntries(fields);
}

const CHANGEME = /<changeme[^<>]*>?/i;
const WHOLE = /^\$\{env:([A-Za-z_]\w*)\}$/;
const EMBEDDED = /\$\{env:[^}]*\}/;
/** What other tools fill in: `${HOME}`, `{{ user }}`, `{user-id}`. */
const FOREIGN = /\$\{[^}]*\}|\{\{[^}]*\}\}|\{[A-Za-z][\w-]*\}/;

function resolveText(text: string, path: readonly PathStep[], { env, mistakes, filled }: Resolving): unknown {
  const [, name] = WHOLE.exec(text) ?? [];
  const shown = path.some((step) => soundsSecret(String(step))) ? 'this text' : show(text);
  const complaint = name === undefined ? describeText(text, shown) : describeVariable(name, env);
  if (complaint !== null) mistakes.push({ path, ...complaint });
  if (name === undefined || complaint !== null) return text;
  filled.set(JSON.stringify(path), name);
  return plainValue((env[name] ?? '').trim());
}

function describeName(name: string): Complaint | null {
  const [changeme] = CHANGEME.exec(name) ?? [];
  if (changeme !== undefined) return { message: 'is still to be filled in', hint: 'write the name of the field' };
  return EMBEDDED.test(name)
    ? { message: 'a placeholder cannot be the name of a field', hint: 'write the name of the field' }
    : null;
}

function describeText(text: string, shown: string): Complaint | null {
  if (!/[<{]/.test(text)) return null;
  const [changeme] = CHANGEME.exec(text) ?? [];
  if (changeme !== undefined) {
    return {
      message: `${shown} is still to be filled in`,
      hint: `write your value instead of ${shorten(changeme)}`,
    };
  }
  const [embedded] = EMBEDDED.exec(text) ?? [];
  if (embedded === text) {
    return {
      message: `${shown} names no environment variable`,
      hint: 'write ${env:NAME}, with letters, digits and "_"',
    };
  }
  if (embedded !== undefined) {
    return {
      message: `${shown} has a placeholder inside a longer text`,
      hint: 'export the whole text as one variable, and write nothing but ${env:ITS_NAME}',
    };
  }
  const [foreign] = FOREIGN.exec(text) ?? [];
  if (foreign === undefined) return null;
  const [, name] = /^\$\{([A-Za-z_]\w*)\}$/.exec(text) ?? [];
  const hint = name === undefined ? 'write the value itself' : `write \${env:${name}}`;
  return { message: `nothing fills in ${shorten(foreign)}`, hint };
}

function describeVariable(name: string, env: Environment): Complaint | null {
  if (soundsSecret(name)) {
    return {
      message: `the value of ${name} would end up in manifests and hashes`,
      hint: `declare it under \`secrets:\` instead: \`${name.toLowerCase()}: {kind: SecretValue, source: env, env_var: ${name}}\``,
    };
  }
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  const orWrite = `export ${name}=..., or write the value`;
  if (value === undefined) {
    const isMeant = (other: string): boolean =>
      env[other] !== undefined && !soundsSecret(other) && isVeryNear(name, other);
    const near = Object.keys(env).find(isMeant);
    const hint = near === undefined ? orWrite : `${orWrite}; did you mean \${env:${near}}?`;
    return { message: `${name} is not set in the environment`, hint };
  }
  if (value.trim() === '') return { message: `${name} is empty in the environment`, hint: orWrite };
  if (/[\r\n]/.test(value.trim())) {
    return { message: `${name} has several lines in the environment`, hint: 'a value has one: export one line' };
  }
  return numberTrap(value.trim()) === null
    ? null
    : {
        message: `${name} is a number in the environment that no number can hold`,
        hint: 'export a finite number below 2^53',
      };
}

/** Whether two names differ in nothing but case and one letter that is missing, too many or another. */
function isVeryNear(name: string, other: string): boolean {
  const [a, b] = [name.toUpperCase(), other.toUpperCase()];
  const shorter = Math.min(a.length, b.length);
  let start = 0;
  while (start < shorter && a[start] === b[start]) start++;
  let end = 0;
  while (end < shorter - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  return Math.max(a.length, b.length) - start - end <= 1;
}
