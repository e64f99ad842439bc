import { describe, expect, it } from 'vitest';
import { WorkloadFailure } from '../../../src/evidence/failure.ts';
import type { Hosts } from '../../../src/exec/hosts.ts';
import type { JobContext } from '../../../src/lifecycle/context.ts';
import type { Instrument } from '../../../src/lifecycle/instrument.ts';
import { Interruption } from '../../../src/lifecycle/interruption.ts';
import { startedRun } from '../started-run.ts';
import { contextOf, runQuietly, Serving } from './job-bench.ts';

/** Hosts that are not open; `open` is what becomes of it when it is asked for them. */
function closedHosts(open: Hosts['open']): Hosts {
  return {
    open,
    isOpen: () => false,
    executor: () => {
      throw new Error('they are not open');
    },
    executors: () => [],
    allocation: () => null,
    close: async () => undefined,
  };
}

describe('the teardown of a run without hosts', () => {
  // It gives the wait for the hosts ten seconds to end.
  it('names them when nobody knows whether they are still asked for', { timeout: 30_000 }, async () => {
    const abort = new AbortController();
    const hosts = closedHosts(() => {
      abort.abort(new Interruption('asked to'));
      return new Promise(() => undefined);
    });
    const manifest = await runQuietly(
      new Serving({ file: 'true', args: [] }),
      contextOf(startedRun(), { abort, hosts }),
    );
    expect(manifest).toMatchObject({
      status: 'interrupted',
      teardown: {
        orphans: null,
        unconfirmed: ['localhost: nobody knows whether it was still being asked for'],
        error: 'work of the aborted run went on for 10 s',
      },
    });
  });

  it('has nothing to look for when the wait for them is over', async () => {
    const hosts = closedHosts(() => Promise.reject(new Error('no such partition')));
    const manifest = await runQuietly(new Serving({ file: 'true', args: [] }), contextOf(startedRun(), { hosts }));
    expect(manifest).toMatchObject({
      status: 'failed_setup',
      teardown: { orphans: 0, unconfirmed: [], error: null },
    });
  });
});

describe('the teardown of a run whose server the next one may want', () => {
  const run = async (atItsEnd: (context: JobContext) => void) => {
    const instrument: Instrument = {
      id: 'late',
      claims: [],
      probe: async () => [],
      attach: async () => undefined,
      detach: async () => atItsEnd(context),
      ingest: async () => ({}),
    };
    const context = contextOf(startedRun(), {
      instruments: [instrument],
      maySucceed: async () => true,
    });
    const serve = 'console.log("up"); setInterval(() => {}, 1000)';
    const manifest = await runQuietly(new Serving({ file: process.execPath, args: ['-e', serve] }), context);
    const kept = context.kept.startedBy();
    await context.kept.endAll();
    await context.hosts.close();
    return { kept: [kept, manifest.teardown?.kept], error: manifest.teardown?.error, runId: manifest.run_id };
  };

  it('keeps it', async () => {
    const { kept, error, runId } = await run(() => undefined);
    expect([kept, error]).toEqual([[[runId], true], null]);
  });

  it('ends one that failed when no phase was left to fail', async () => {
    const failure = new WorkloadFailure('failure_pattern_matched', 'a fatal line');
    const { kept, error } = await run((context) => context.abort(failure));
    expect([kept, error]).toEqual([[[], false], 'a fatal line']);
  });
});
