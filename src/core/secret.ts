import { inspect } from 'node:util';
import { AssayError } from './errors.ts';
import { spellingsOf } from './secret-spellings.ts';

/** The fewest characters of a secret: what is shorter occurs in any log by chance, and hiding it would shred the log. */
const SHORTEST_SECRET = 4;

/**
 * A value that must not be written down. It prints as its label wherever it
 * ends up: in a string, in JSON, in an inspected object. A copy of it
 * (structuredClone, a message to a worker) has neither label nor value.
 */
export class SecretValue {
  readonly #label: string;
  readonly #value: string;

  constructor(label: string, value: string) {
    this.#label = label;
    this.#value = value;
  }

  /** The value itself; only what hands it to a process may ask. */
  reveal(): string {
    return this.#value;
  }

  /** Every text that shows the value; only what takes it out of text may ask. */
  spellings(): ReadonlySet<string> {
    return spellingsOf(this.#value);
  }

  toString(): string {
    return `<SecretValue label=${this.#label}>`;
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/** Where secrets come from: per label the variable that holds one. */
type DeclaredSecrets = Readonly<Record<string, { readonly env_var: string }>>;
type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads declared secrets from an environment; answers them by variable.
 *
 * @throws AssayError SETUP_FAILED that names every variable that holds no secret, never what it holds.
 */
export function readSecrets(
  declared: DeclaredSecrets,
  environment: Environment,
): Readonly<Record<string, SecretValue>> {
  const mistakes = Object.entries(declared).flatMap(([label, { env_var: variable }]) => {
    const mistake = mistakeInSecret(environment[variable]);
    return mistake === null ? [] : [`${variable} (secrets.${label}) ${mistake}`];
  });
  if (mistakes.length > 0) {
    throw new AssayError('SETUP_FAILED', `secrets are missing from the environment: ${mistakes.join('; ')}`, {
      hint: `set each where the session starts; a value of fewer than ${SHORTEST_SECRET} characters cannot be kept out of logs`,
    });
  }
  return presentSecrets(declared, environment);
}

/** The declared secrets that an environment does hold, by variable: what must be hidden even where others are missing. */
export function presentSecrets(
  declared: DeclaredSecrets,
  environment: Environment,
): Readonly<Record<string, SecretValue>> {
  const entries = Object.entries(declared).flatMap(([label, { env_var: variable }]) => {
    const value = environment[variable];
    return value === undefined || mistakeInSecret(value) !== null
      ? []
      : [[variable, new SecretValue(label, value)] as const];
  });
  return Object.fromEntries(entries);
}

/** Why a variable with this value holds no secret, in words that do not show it; null when it does. */
export function mistakeInSecret(value: string | undefined): string | null {
  if (value === undefined) return 'is not set';
  const { length } = value.trim();
  if (length === 0) return 'is empty';
  return length < SHORTEST_SECRET ? `is shorter than ${SHORTEST_SECRET} characters` : null;
}
