import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { vi } from 'vitest';
import { readManifest } from '../../../../src/evidence/run-reader.ts';
import { readOwnManifest } from '../../../../src/evidence/run-writer.ts';
import { runJob } from '../../../../src/lifecycle/job.ts';
import type { Framework } from '../../../../src/lifecycle/adapter.ts';
import { hostsSpecOf } from '../../../../src/session/hosts-spec.ts';
import { planSession } from '../../../../src/session/plan.ts';
import { newRun, startRun } from '../../../../src/session/start-run.ts';
import { contextOf } from '../../lifecycle/job-bench.ts';
import { sessionOptions } from '../../session-options.ts';

/** A finished run of a template. */
export interface TemplateRun {
  /** The run directory, absolute. */
  readonly folder: string;
  readonly manifest: ReturnType<typeof readManifest>;
}

/**
 * Runs the only cell of a config through a whole job, with programs of these names and Node sources in front of the
 * `PATH`: unstub it after the test.
 */
export async function runTemplate(
  framework: Framework,
  config: string,
  programs: Readonly<Record<string, string>>,
): Promise<TemplateRun> {
  const root = mkdtempSync(join(tmpdir(), 'assay-template-'));
  writeFileSync(join(root, 'toy.yaml'), config);
  for (const [name, source] of Object.entries(programs)) {
    writeFileSync(join(root, name), `#!${process.execPath}\n${source}`);
    chmodSync(join(root, name), 0o755);
  }
  vi.stubEnv('PATH', `${root}${delimiter}${process.env['PATH']}`);
  const { cells, pool, artifacts } = planSession(sessionOptions({ root }), [framework]);
  const [planned] = cells;
  if (planned?.binding.state !== 'bound') throw new Error('the cell is not bound');
  const { hosts } = planned.binding;
  const on = hostsSpecOf(planned.cell, hosts, { pool, session: 'test', mayBeFollowed: false });
  const request = newRun(planned, { hosts, on, artifacts });
  startRun(request);
  const context = contextOf(request);
  const adapter = framework.create?.();
  if (adapter === undefined) throw new Error('the template makes no adapter');
  await runJob(adapter, context, {
    manifest: readOwnManifest(request.folder),
    listener: { onPhase: () => undefined, onWait: () => undefined },
  });
  await context.hosts.close();
  return { folder: request.folder, manifest: readManifest(request.folder) };
}
