import { expect, it } from 'vitest';
import type { Manifest } from '../../src/evidence/manifest.ts';
import { endLabelled } from '../../src/exec/leftovers.ts';
import { hostsOf } from '../../src/exec/open-hosts.ts';
import type { JobContextOptions } from '../../src/lifecycle/context.ts';
import { KeptServers } from '../../src/lifecycle/kept-servers.ts';
import { DEMO_CONFIG } from '../unit/demo-config.ts';
import { contextOf, runQuietly, Serving } from '../unit/lifecycle/job-bench.ts';
import { startedRun } from '../unit/started-run.ts';
import { containersOf, shell } from './container-bench.ts';
import type { Bench } from './container-bench.ts';
import { imageTar, importImage } from './image.ts';

const IMAGE = 'assay-kept:1';

/** What holds for a container that outlives the run that it was started for. */
export function staysWhenKept(bench: () => Bench): void {
  it('stays alive, is used again, and leaves nothing when it is ended at last', async () => {
    const job = await openJob(bench());
    const first = await job.run();
    expect(first.teardown).toEqual({ orphans: 0, kept: true, unconfirmed: [], error: null });
    const id = first.launches[0]?.container ?? '';
    expect(await isRunning(bench(), id)).toBe(true);

    const second = await job.run();
    expect(second.launches).toMatchObject([{ container: id, reused_from: first.run_id }]);
    expect(second.teardown).toEqual({ orphans: 0, kept: true, unconfirmed: [], error: null });
    expect(await isRunning(bench(), id)).toBe(true);

    await job.kept.endAll();
    expect(await job.sweep(first.run_id)).toEqual({ count: 0, unconfirmed: [] });
    expect(await job.sweep(second.run_id)).toEqual({ count: 0, unconfirmed: [] });
    await job.close();
  });

  it('is not used again when its tag has moved to another image', async () => {
    const job = await openJob(bench());
    const first = await job.run();
    const id = first.launches[0]?.container ?? '';
    await bench().client('import', '--change=ENV PATH=/bin', '--change=ENV MOVED=yes', await imageTar('shell'), IMAGE);

    const second = await job.run({ maySucceed: async () => false });
    expect(second.launches).toMatchObject([{ container: expect.not.stringMatching(id), reused_from: null }]);
    expect(second.container?.digest).not.toBe(first.container?.digest);
    expect(second.teardown).toEqual({ orphans: 0, kept: false, unconfirmed: [], error: null });
    expect(containersOf(await bench().executor().findLabelled(first.run_id))).toEqual([]);
    await job.close();
  });
}

interface JobHost {
  readonly kept: KeptServers;
  /** Runs a cell on the hosts of the first one; its server is kept unless told otherwise. */
  readonly run: (given?: Partial<JobContextOptions>) => Promise<Manifest>;
  readonly sweep: (runId: string) => ReturnType<typeof endLabelled>;
  readonly close: () => Promise<void>;
}

async function openJob(bench: Bench): Promise<JobHost> {
  const { runtime } = bench.spec();
  await importImage(runtime, bench.engine, { name: IMAGE, content: 'shell' });
  const container = `container: {image: "${IMAGE}", runtime: ${runtime}, pull: never}\n`;
  const config = `${DEMO_CONFIG}enforce: false\n${container}`;
  const kept = new KeptServers();
  const { on, runId } = startedRun(config);
  const hosts = hostsOf(on, runId);
  return {
    kept,
    run: (given = {}) => {
      const context = contextOf(startedRun(config), { hosts, kept, maySucceed: async () => true, ...given });
      return runQuietly(new Serving(shell('trap "exit 0" TERM; echo up; while :; do sleep 0.1; done')), context);
    },
    sweep: (label) => endLabelled(hosts.executor('localhost'), label),
    close: async () => {
      await kept.endAll();
      await hosts.close();
    },
  };
}

async function isRunning(bench: Bench, id: string): Promise<boolean> {
  return (await bench.client('container', 'inspect', '--format', '{{.State.Running}}', id)) === 'true';
}
