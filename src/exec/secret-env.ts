import type { SecretValue } from '../core/secret.ts';

/** The one place where secrets become plain: what a process gets in its environment. */
export function revealAll(secrets: Readonly<Record<string, SecretValue>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(secrets).map(([variable, secret]) => [variable, secret.reveal()]));
}
