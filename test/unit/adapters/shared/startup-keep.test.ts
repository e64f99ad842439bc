import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keepStartup, readStartupLogs } from '../../../../src/adapters/shared/startup-keep.ts';
import type { ReadyRole, RunContext } from '../../../../src/lifecycle/adapter.ts';
import { runWith } from './program-probe.ts';

const KEEP = {
  fileOf: ({ role, host }: { role: string; host: string }) => `${role}@${host}`,
  isStartupLine: (line: string) => line.startsWith('start'),
};
const RUN = { bindings: { server: ['n0', 'n1'] } };
const read = (files: Readonly<Record<string, string>>) =>
  readStartupLogs(runWith(files, RUN).context, 'server', KEEP.fileOf);

describe('what a server said while it started', () => {
  it('is kept by the runs that use it again, and by no other', async () => {
    const process = {};
    const { folder } = runWith({ 'logs/server.n0.log': 'start a\nwork\nstart b\nstart c, cut sh' }, RUN).context;
    const keptOf = async (reusedFrom: string | null, server: object) => {
      const kept: (readonly [string, string])[] = [];
      const writer = { attach: (name: string, text: string) => void kept.push([name, text]) };
      const context = { request: { folder }, writer } as unknown as RunContext;
      await keepStartup(context, [{ role: 'server', host: 'n0', process: server, reusedFrom } as ReadyRole], KEEP);
      return kept;
    };
    expect(await keptOf(null, process)).toEqual([]);
    writeFileSync(join(folder, 'logs/server.n0.log'), 'work\n');
    expect(await keptOf('run-0', process)).toEqual([['server@n0', 'start a\nstart b\n']]);
    expect(await keptOf('run-0', {})).toEqual([]);
  });

  it('is read before its log, host by host, without a line that may be cut short', async () => {
    const logs = { 'logs/server.n0.log': 'work\nmo', 'logs/server.n1.log': 'start b\n' };
    expect(await read({ ...logs, 'attachments/server@n0': 'start a\n' })).toEqual([['start a', 'work'], ['start b']]);
  });

  it('is read where the log is silent, or is not there', async () => {
    const kept = { 'attachments/server@n0': 'start a\n' };
    expect(await read({ ...kept, 'logs/server.n0.log': '', 'logs/server.n1.log': '' })).toEqual([['start a'], []]);
    expect(await read(kept)).toEqual([['start a'], []]);
  });
});
