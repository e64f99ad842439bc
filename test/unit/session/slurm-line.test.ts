import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HostsSpec } from '../../../src/exec/hosts.ts';
import type { PlannedCell } from '../../../src/session/plan.ts';
import { SlurmLine } from '../../../src/session/slurm-line.ts';
import { standInForSlurm } from './stand-in-job-host.ts';

const SPEC: HostsSpec = {
  reach: { executor: 'slurm', slurm: { partition: null, account: null, options: [] } },
  nodes: [{ name: 'n1', address: { host: 'n1', port: null, user: null, sshKey: null }, gpus: 0 }],
  container: null,
  isExclusive: true,
  timeLimitMs: 60_000,
  session: 's',
  task: null,
};
const cell = { cell: { workload: { reuse_server: false, canary: false }, topology: {} } } as unknown as PlannedCell;

describe('SlurmLine', () => {
  it('loses no place when the same nodes are asked for twice at once', async () => {
    standInForSlurm();
    const line = new SlurmLine('s');
    const two = [cell, cell];
    const taken = await Promise.all([line.take(SPEC, two), line.take(SPEC, two)]);
    expect(line.hasTasks()).toBe(true);
    for (const _ of two) taken.push(await line.take(SPEC, [cell]));
    expect(taken).not.toContain(null);
    expect(new Set(taken).size).toBe(4);
    expect(line.hasTasks()).toBe(false);
  });

  it('puts no cells in a line that may share their nodes', async () => {
    const { folder } = standInForSlurm();
    expect(await new SlurmLine('s').take({ ...SPEC, isExclusive: false }, [cell, cell])).toBeNull();
    expect(existsSync(join(folder, 'asked'))).toBe(false);
  });
});
