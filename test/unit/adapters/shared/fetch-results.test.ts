import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fetchResults } from '../../../../src/adapters/shared/fetch-results.ts';
import type { Executor } from '../../../../src/exec/executor.ts';
import { localExecutor } from '../../../../src/exec/local.ts';
import type { RunContext } from '../../../../src/lifecycle/adapter.ts';

/** A context whose hosts are reached so; `kept` are the names that its writer was given. */
function contextOf(executor: 'local' | 'ssh', executorOf: (host: string) => Executor) {
  const kept: string[] = [];
  const context = {
    request: { on: { reach: { executor } } },
    executor: executorOf,
    writer: { attachFile: async (name: string) => void kept.push(name) },
  } as unknown as RunContext;
  return { context, kept };
}

const LOST: Executor = {
  ...localExecutor('n1'),
  run: async () => ({ exit: { kind: 'lost', reason: 'the connection was closed' }, stdout: '', stderr: '' }),
};

describe('fetchResults', () => {
  const folder = mkdtempSync(join(tmpdir(), 'left-'));
  writeFileSync(join(folder, 'a.json'), '{}');
  const results = ['n1', 'n2'].map((host) => ({ host, path: `${folder}/*.json`, as: host }));

  it('takes what nodes of one machine left once, and of several machines from each', async () => {
    const local = contextOf('local', localExecutor);
    await fetchResults(local.context, results);
    expect(local.kept).toEqual(['n1/a.json']);
    const ssh = contextOf('ssh', localExecutor);
    await fetchResults(ssh.context, results);
    expect(ssh.kept).toEqual(['n1/a.json', 'n2/a.json']);
  });

  it('does not take a host that is lost for one where nothing was left', async () => {
    const { context } = contextOf('ssh', () => LOST);
    await expect(fetchResults(context, results)).rejects.toMatchObject({
      code: 'EVIDENCE_MISSING',
      message: expect.stringContaining(`n1 does not tell what is in ${folder}`),
    });
  });
});
