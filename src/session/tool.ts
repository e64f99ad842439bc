import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gitSha } from '../core/git-sha.ts';
import type { Manifest } from '../evidence/manifest.ts';

const { name, version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  readonly name: string;
  readonly version: string;
};

/** This package, as the evidence that it writes names it. */
export const tool = { name, version } as const;

const PACKAGE = fileURLToPath(new URL('../../', import.meta.url));

/** The same with its commit; null where it is installed, for then it lies in somebody else's repository. */
export function toolFacts(): Manifest['tool'] {
  return { ...tool, git_sha: existsSync(`${PACKAGE}.git`) ? gitSha(PACKAGE) : null };
}
