import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noSecrets } from '../../src/core/scrubber.ts';
import { openSlurmHosts } from '../../src/exec/slurm.ts';
import type { SlurmRequest } from '../../src/exec/slurm.ts';

// Run as a process of its own, which is killed: holds an allocation, and a role on its first node.
const request = JSON.parse(process.env['REQUEST'] ?? '') as SlurmRequest;
const { signal } = new AbortController();
const hosts = await openSlurmHosts(request, { signal, onWait: () => undefined });
const [executor] = hosts.executors.values();
await executor?.start(
  { file: 'sleep', args: ['600'] },
  {
    runId: request.runId,
    role: 'role',
    logFile: join(mkdtempSync(join(tmpdir(), 'holder-')), 'role.log'),
    scrubber: noSecrets,
    secrets: {},
  },
);
process.stdout.write('holding\n');
