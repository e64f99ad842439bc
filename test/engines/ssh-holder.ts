import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noSecrets } from '../../src/core/scrubber.ts';
import type { HostNode } from '../../src/exec/hosts.ts';
import { openSshHosts } from '../../src/exec/ssh.ts';

/** What a holder holds. */
export interface Held {
  readonly node: HostNode;
  readonly config: string;
  readonly runId: string;
  /** A shell script. */
  readonly program: string;
}

// Run as a process of its own, which is killed: holds a role on a host.
const { node, config, runId, program } = JSON.parse(process.env['HELD'] ?? '') as Held;
const { executors } = await openSshHosts([node], { config, runId });
const role = await executors.get(node.name)?.start(
  { file: '/bin/sh', args: ['-c', program] },
  {
    runId,
    role: 'role',
    logFile: join(mkdtempSync(join(tmpdir(), 'holder-')), 'role.log'),
    scrubber: noSecrets,
    secrets: {},
  },
);
role?.onLine((line) => process.stdout.write(`${line}\n`));
