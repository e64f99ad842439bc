import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noSecrets } from '../../../src/core/scrubber.ts';
import { RunWriter } from '../../../src/evidence/run-writer.ts';
import { hostsOf } from '../../../src/exec/open-hosts.ts';
import type { RunRequest } from '../../../src/lifecycle/adapter.ts';
import { JobContext } from '../../../src/lifecycle/context.ts';
import type { JobContextOptions } from '../../../src/lifecycle/context.ts';

// The tests of other files are not to wait for these.
process.env['ASSAY_LOCK_FOLDER'] = mkdtempSync(join(tmpdir(), 'assay-locks-'));

/** The context of a run in this process, on this machine. */
export function contextOf(request: RunRequest, given: Partial<JobContextOptions> = {}): JobContext {
  return new JobContext({
    request,
    writer: new RunWriter(request.folder, noSecrets),
    abort: new AbortController(),
    report: () => undefined,
    hosts: hostsOf(request.on, request.runId),
    secrets: {},
    scrubber: noSecrets,
    ...given,
  });
}
