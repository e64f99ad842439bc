import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { AssayError, messageOf } from '../core/errors.ts';
import { shortHash } from '../core/hash.ts';
import type { Sha256 } from '../core/hash.ts';

/** The files of a run directory, relative to it. */
export const RUN_FILES = {
  manifest: 'manifest.json',
  events: 'events.jsonl',
  config: 'config.resolved.yaml',
  samples: 'samples.parquet',
  trajectory: 'trajectory.parquet',
  liveSamples: 'samples.arrows',
  liveTrajectory: 'trajectory.arrows',
  logs: 'logs',
  stdout: 'logs/stdout.log',
  stderr: 'logs/stderr.log',
  verifications: 'verifications',
  instruments: 'instruments',
  attachments: 'attachments',
} as const;

/** How deep run directories lie in the artifact directory: `<test_id>/<cell_id>/<hash>/<run_id>`. */
export const RUN_LEVELS = 4;

/** What names a run directory. */
export interface RunAddress {
  readonly testId: string;
  readonly cellId: string;
  readonly workloadHash: Sha256;
  readonly runId: string;
}

/**
 * `<artifacts>/<test_id>/<cell_id>/<12 hex>/<run_id>`.
 *
 * @throws AssayError CONFIG_INVALID when a segment would leave the artifact directory.
 */
export function runFolder(artifacts: string, address: RunAddress): string {
  const segments = [address.testId, address.cellId, shortHash(address.workloadHash), address.runId];
  const folder = join(artifacts, ...segments);
  const isInside = resolve(folder).startsWith(resolve(artifacts) + sep);
  if (!isInside || segments.some((segment) => !/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(segment))) {
    throw new AssayError('CONFIG_INVALID', `"${segments.join('/')}" is no safe place for a run`, {
      hint: 'use letters, digits, "_", "." and "-" in test_id and option names',
    });
  }
  return folder;
}

/**
 * Makes the artifact directory, if need be, and checks that runs can be written there.
 *
 * @throws AssayError USAGE with the place and the reason.
 */
export function prepareArtifacts(artifacts: string): void {
  try {
    makeFolders(artifacts);
    accessSync(artifacts, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new AssayError('USAGE', `the artifact directory ${artifacts} cannot be written: ${messageOf(cause)}`, {
      hint: 'name a folder of yours: `artifacts` in assay({ artifacts }), or --artifacts where a command takes it',
      cause,
    });
  }
}

// One level at a time: below /proc a recursive mkdir never comes back.
function makeFolders(folder: string): void {
  if (existsSync(folder)) return;
  makeFolders(dirname(folder));
  try {
    mkdirSync(folder);
  } catch (thrown) {
    // Another session may have made it at this moment.
    if (!existsSync(folder)) throw thrown;
  }
}
