import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ContainerSpec } from '../../src/config/schema/container.ts';
import { AssayError } from '../../src/core/errors.ts';
import { noSecrets } from '../../src/core/scrubber.ts';
import type { Executor, RunningProcess } from '../../src/exec/executor.ts';
import type { HostNode, HostsSpec, Waiting } from '../../src/exec/hosts.ts';
import { endLeftovers } from '../../src/exec/leftovers.ts';
import { findMarked, localExecutor } from '../../src/exec/local.ts';
import { CLIENT_LABEL, RUN_LABEL } from '../../src/exec/run-label.ts';
import { makeScratch, scratchOf } from '../../src/exec/scratch.ts';
import { cancelSlurmArrays, openSlurmTask, submitSlurmArray } from '../../src/exec/slurm-array.ts';
import { cancelAllocations, findAllocations, openSlurmHosts } from '../../src/exec/slurm.ts';
import type { SlurmHosts, SlurmRequest } from '../../src/exec/slurm.ts';
import { describeConformance, shell } from './conformance.ts';
import { slurmMissing, startSlurmCluster } from './slurm-cluster.ts';
import type { SlurmCluster, SlurmJob } from './slurm-cluster.ts';

const missing = await slurmMissing();

describeSteps();

describe.skipIf(missing !== null)(`Slurm${missing === null ? '' : ` (${missing})`}`, () => {
  let cluster: SlurmCluster;
  let runs = 0;

  beforeAll(async () => {
    cluster = await startSlurmCluster();
    vi.stubEnv('SLURM_CONF', cluster.env.SLURM_CONF);
  });

  afterAll(async () => {
    await cluster.close();
    vi.unstubAllEnvs();
  });

  // Whatever a test forgot: the next one starts with free nodes.
  afterEach(() => cluster.cancelAll());

  function request(names: readonly string[], changes: Partial<SlurmRequest> = {}): SlurmRequest {
    return {
      nodes: names.map((name) => nodeOf(cluster, name)),
      slurm: { partition: null, account: null, options: [] },
      isExclusive: true,
      timeLimitMs: 600_000,
      runId: `run-${(runs += 1)}`,
      ...changes,
    };
  }

  async function open(names: readonly string[], changes: Partial<SlurmRequest> = {}): Promise<SlurmHosts> {
    return openSlurmHosts(request(names, changes), patience());
  }

  it('holds two nodes, runs a role on each at once, and gives both back', async () => {
    const hosts = await open(['n2', 'n3']);
    const held = await details(hosts.allocation);
    expect(held).toMatch(/ NodeList=n\[2-3\] /);
    const roles = await Promise.all(
      ['n2', 'n3'].map((name) => start(executorOf(hosts, name), 'echo "on $SLURMD_NODENAME"; exec sleep 600')),
    );
    await Promise.all(roles.map((role) => lineOf(role, /^on /)));
    expect(roles.map((role) => role.tail(1)[0])).toEqual(['on n2', 'on n3']);
    expect(roles.map((role) => role.exit())).toEqual([null, null]);
    expect([...hosts.executors.values()].map(({ address }) => address)).toEqual(['127.0.0.12', '127.0.0.13']);
    await Promise.all(roles.map((role) => role.stop(2_000)));
    await hosts.close();
    expect(await cluster.jobs()).toEqual([]);
  });

  it('shows every step all GPUs and CPUs of its node', async () => {
    const hosts = await open(['n1']);
    const executor = executorOf(hosts, 'n1');
    const role = await start(executor, 'echo up; exec sleep 600');
    await lineOf(role, /up/);
    const { stdout } = await executor.run(
      shell('echo "$CUDA_VISIBLE_DEVICES/$ROCR_VISIBLE_DEVICES/$SLURM_CPUS_ON_NODE"'),
    );
    expect(stdout).toBe('0,1,2,3,4,5,6,7/0,1,2,3,4,5,6,7/16\n');
    await role.stop(1_000);
  });

  it('takes no more GPUs than the run asks for', async () => {
    const nodes = [{ ...nodeOf(cluster, 'n1'), gpus: 2 }];
    const [one, other] = await Promise.all([
      open(['n1'], { nodes, isExclusive: false }),
      open(['n1'], { nodes, isExclusive: false }),
    ]);
    const seen = await Promise.all(
      [one, other].map(
        async (hosts) => (await executorOf(hosts, 'n1').run(shell('echo $CUDA_VISIBLE_DEVICES'))).stdout,
      ),
    );
    expect(seen.map((gpus) => gpus.trim()).toSorted()).toEqual(['0,1', '2,3']);
  });

  it('keeps what srun itself says out of the output of a role', async () => {
    const hosts = await open(['n1']);
    const role = await start(executorOf(hosts, 'n1'), 'echo out; echo err >&2; exit 3');
    expect(await role.exited).toEqual({ kind: 'exited', code: 3 });
    expect(role.tail(10).toSorted()).toEqual(['err', 'out']);
  });

  it('passes on what is not a line yet', async () => {
    const hosts = await open(['n1']);
    const logFile = newLogFile();
    await start(executorOf(hosts, 'n1'), 'printf "loading 3 %%"; exec sleep 600', logFile);
    await expect.poll(() => readFileSync(logFile, 'utf8'), { timeout: 20_000 }).toBe('loading 3 %');
  });

  it('passes input with its end, and both streams apart', async () => {
    const hosts = await open(['n1']);
    const input = 'no newline at the end\n\nü';
    const { exit, stdout, stderr } = await executorOf(hosts, 'n1').run(shell('cat; echo apart >&2; exit 4'), { input });
    expect({ exit, stdout, stderr }).toEqual({ exit: { kind: 'exited', code: 4 }, stdout: input, stderr: 'apart\n' });
  });

  it('hands its environment to the node only as far as a login would', async () => {
    vi.stubEnv('ASSAY_TEST_TOKEN', 'x');
    onTestFinished(resetEnv);
    const hosts = await open(['n1']);
    const { stdout } = await executorOf(hosts, 'n1').run(shell('echo "[$ASSAY_TEST_TOKEN][$ASSAY_RUN_ID]$HOME"'));
    expect(stdout).toBe(`[][]${process.env['HOME']}\n`);
  });

  type Change = Partial<HostNode> & { readonly options?: readonly string[] };

  it.each<[string, string, Change]>([
    ['more GPUs than a node has', 'Requested node configuration is not available', { gpus: 9 }],
    ['a node that Slurm does not know', 'Invalid node name specified', { name: 'n9' }],
    ['an option that sbatch does not know', "unrecognized option '--nonsense'", { options: ['--nonsense'] }],
  ])('repeats what Slurm says about %s', async (_, words, { options = [], ...change }) => {
    const nodes = [{ ...nodeOf(cluster, 'n1'), ...change }];
    const slurm = { partition: null, account: null, options };
    const refused = await open(['n1'], { nodes, slurm }).catch((thrown: unknown) => thrown);
    expect(refused).toBeInstanceOf(AssayError);
    expect(refused).toMatchObject({ code: 'SETUP_FAILED', message: expect.stringContaining(words) as string });
    expect(await cluster.jobs()).toEqual([]);
  });

  it('says that the job was cancelled while it waited', async () => {
    const first = await open(['n1']);
    const wanted = request(['n1']);
    const cancelled = openSlurmHosts(
      wanted,
      patience(() => void cancelRun(wanted.runId)),
    );
    await expect(cancelled).rejects.toMatchObject({
      code: 'SETUP_FAILED',
      message: expect.stringMatching(/ended before it held its nodes: it was CANCELLED/) as string,
    });
    await first.close();
  });

  it('tells why it waits, and leaves nothing in the queue when the wait is aborted', async () => {
    const first = await open(['n1']);
    const abort = new AbortController();
    const reasons: string[] = [];
    const second = openSlurmHosts(request(['n1']), {
      signal: abort.signal,
      onWait: (reason) => {
        reasons.push(reason);
        if (reason === 'PENDING (Resources)') abort.abort(new Error('enough'));
      },
    });
    await expect(second).rejects.toThrow('enough');
    expect(reasons).toEqual([...new Set(reasons)]);
    expect((await cluster.jobs()).map(({ id }) => id)).toEqual([first.allocation]);
  });

  it('leaves nothing in the queue when the abort comes while sbatch works', async () => {
    const abort = new AbortController();
    const opening = openSlurmHosts(request(['n1']), { signal: abort.signal, onWait: () => undefined });
    abort.abort(new Error('at once'));
    await expect(opening).rejects.toThrow('at once');
    expect(await cluster.jobs()).toEqual([]);
    // Proof that sbatch had gone all the way.
    expect(await cluster.lastJob()).toMatchObject({ state: 'CANCELLED', comment: `assay.run_id=run-${runs}` });
  });

  it('asks for the time limit in whole minutes', async () => {
    const hosts = await open(['n1'], { timeLimitMs: 90_000 });
    expect(await details(hosts.allocation)).toMatch(/ TimeLimit=00:02:00 /);
  });

  it('does not listen to what a surrounding job says about itself', async () => {
    const shape = { SLURM_JOB_ID: '1', SLURM_NNODES: '3', SBATCH_TIMELIMIT: '7', SQUEUE_STATES: 'FAILED' };
    for (const [name, value] of Object.entries(shape)) vi.stubEnv(name, value);
    onTestFinished(resetEnv);
    const hosts = await open(['n1'], { timeLimitMs: 60_000 });
    const { stdout } = await executorOf(hosts, 'n1').run(shell('echo $SLURM_JOB_ID'));
    expect(stdout).toBe(`${hosts.allocation}\n`);
    expect(await details(hosts.allocation)).toMatch(/ TimeLimit=00:01:00 /);
    await hosts.close();
    resetEnv();
    expect(await cluster.jobs()).toEqual([]);
  });

  it('loses a process whose node fails, and names the node', async () => {
    const hosts = await open(['n4']);
    const role = await start(executorOf(hosts, 'n4'), 'echo up; exec sleep 600');
    await lineOf(role, /up/);
    await cluster.nodeDown('n4');
    onTestFinished(() => cluster.nodeUp('n4'));
    const exit = await role.exited;
    expect(exit).toMatchObject({ kind: 'lost', reason: expect.stringMatching(/\bn4\b.*NODE_FAIL/) as string });
    await hosts.close();
    expect(await cluster.jobs()).toEqual([]);
  });

  it('loses the processes on the other nodes, too, when one of the nodes fails', async () => {
    const hosts = await open(['n3', 'n4']);
    const role = await start(executorOf(hosts, 'n3'), 'echo up; exec sleep 600');
    await lineOf(role, /up/);
    await cluster.nodeDown('n4');
    onTestFinished(() => cluster.nodeUp('n4'));
    const exit = await role.exited;
    expect(exit).toMatchObject({ kind: 'lost', reason: expect.stringContaining('NODE_FAIL') as string });
  });

  it('loses a process whose job is cancelled', async () => {
    const hosts = await open(['n1']);
    const role = await start(executorOf(hosts, 'n1'), 'echo up; exec sleep 600');
    await lineOf(role, /up/);
    await cancelAllocations([hosts.allocation]);
    expect(await role.exited).toEqual({
      kind: 'lost',
      reason: `Slurm job ${hosts.allocation}, which held n1, was cancelled (CANCELLED)`,
    });
    const after = await executorOf(hosts, 'n1').run(shell('true'));
    expect(after.exit).toMatchObject({ kind: 'lost', reason: expect.stringContaining('holds n1 no longer') as string });
    // What is gone needs no second cancel.
    await hosts.close();
  });

  it("finds the allocations of exactly one run, and cancels nobody else's", async () => {
    const ours = await open(['n1'], { runId: 'abc' });
    const longer = await open(['n2'], { runId: 'abcd' });
    const foreign = await cluster.submit('n3', 'somebody: assay.run_id=abc');
    expect(await findAllocations('abc')).toEqual([ours.allocation]);
    await cancelRun('abc');
    expect((await cluster.jobs()).map(({ id }) => id).toSorted()).toEqual([longer.allocation, foreign].toSorted());
    expect(await findAllocations('abc')).toEqual([]);
  });

  it('says so when the controller does not answer', async () => {
    const hosts = await open(['n1']);
    const dead = join(mkdtempSync(join(tmpdir(), 'dead-')), 'slurm.conf');
    writeFileSync(
      dead,
      readFileSync(cluster.env.SLURM_CONF, 'utf8').replace(/^SlurmctldPort=.*$/m, 'SlurmctldPort=1\nMessageTimeout=2'),
    );
    vi.stubEnv('SLURM_CONF', dead);
    onTestFinished(resetEnv);
    expect(await findAllocations('abc')).toBeNull();
    await expect(cancelSlurmArrays('s')).rejects.toMatchObject({ code: 'TEARDOWN_FAILED' });
    await expect(cancelAllocations([hosts.allocation], 1)).rejects.toMatchObject({
      code: 'TEARDOWN_FAILED',
      message: `Slurm did not confirm the end of job ${hosts.allocation}: squeue does not answer`,
    });
    await expect(open(['n1'])).rejects.toThrow(/Slurm refused the job: .*Unable to contact slurm controller/);
  });

  it('is cleaned up by its label after whoever held it was killed', async () => {
    const wanted = request(['n1', 'n2']);
    const holder = await startHolder(wanted);
    expect((await cluster.jobs()).map(({ state }) => state)).toEqual(['RUNNING']);
    process.kill(holder, 'SIGKILL');
    await localExecutor('localhost').end((await findMarked(CLIENT_LABEL, wanted.runId)) ?? []);
    await cancelRun(wanted.runId);
    expect(await cluster.jobs()).toEqual([]);
    expect(await findMarked(CLIENT_LABEL, wanted.runId)).toEqual([]);
  });

  it('is cleaned up while it holds its nodes: what a run left there goes, its folder as well', async () => {
    const wanted = request(['n1']);
    const { nodes, slurm, runId } = wanted;
    const executor = executorOf(await openSlurmHosts(wanted, patience()), 'n1');
    await makeScratch(executor, runId);
    writeFileSync(join(scratchOf(runId), 'result.json'), '{}');
    const options = { runId, role: 'role', logFile: newLogFile(), scrubber: noSecrets, secrets: {} };
    await lineOf(await executor.start(shell('echo up; exec sleep 600'), options), /up/);
    expect(await endLeftovers(leftBy(nodes, slurm), [runId])).toEqual({ count: 2, unconfirmed: [] });
    expect(existsSync(scratchOf(runId))).toBe(false);
    expect([await findMarked(RUN_LABEL, runId), await cluster.jobs()]).toEqual([[], []]);
  });

  it('is cleaned up while it waits: there is nothing to look for', async () => {
    const first = await open(['n1']);
    const second = request(['n1']);
    const opening = openSlurmHosts(second, patience()).catch((thrown: unknown) => thrown);
    await expect.poll(() => findAllocations(second.runId)).toHaveLength(1);
    const container: ContainerSpec = {
      image: 'x:1',
      runtime: 'docker',
      pull: 'never',
      env: {},
      mounts: [],
      devices: [],
    };
    expect(await endLeftovers({ ...leftBy(second.nodes, second.slurm), container }, [second.runId])).toEqual({
      count: 1,
      unconfirmed: [],
    });
    expect(await opening).toMatchObject({ code: 'SETUP_FAILED' });
    await first.close();
  });

  describe('array', () => {
    it('is one submission, whose tasks hold the nodes one after the other and carry the run that took them', async () => {
      const { signal } = new AbortController();
      const tasks = await submitSlurmArray(request(['n1']), { sessionId: 's1', count: 3, signal });
      expect((await cluster.jobs()).map(({ comment }) => comment)).toEqual(tasks.map(() => 'assay.session=s1'));
      const [first = '', second = '', third = ''] = tasks;
      const one = await openSlurmTask(first, request(['n1'], { runId: 'one' }), patience());
      expect(commentsOf(await cluster.jobs())).toEqual({
        [first]: 'assay.run_id=one',
        [second]: 'assay.session=s1',
        [third]: 'assay.session=s1',
      });
      const waits: string[] = [];
      let isHeld = true;
      const two = openSlurmTask(second, request(['n1'], { runId: 'two' }), {
        signal,
        onWait: (reason) => {
          waits.push(reason);
          if (isHeld) void one.close();
          isHeld = false;
        },
      });
      const { stdout } = await executorOf(await two, 'n1').run(shell('echo $CUDA_VISIBLE_DEVICES'));
      expect(stdout).toBe('0,1,2,3,4,5,6,7\n');
      expect(waits[0]).toMatch(/^PENDING/);
      expect(await findAllocations('two')).toEqual([second]);
      await cancelSlurmArrays('s1');
      expect(commentsOf(await cluster.jobs())).toEqual({ [second]: 'assay.run_id=two' });
      await (await two).close();
      expect(await cluster.jobs()).toEqual([]);
    });

    it('gives back its last task without ending the others', async () => {
      const { signal } = new AbortController();
      const [first = '', last = ''] = await submitSlurmArray(request(['n1']), { sessionId: 's3', count: 2, signal });
      await openSlurmTask(first, request(['n1'], { runId: 'first' }), patience());
      const abort = new AbortController();
      const waiting = { signal: abort.signal, onWait: () => abort.abort(new Error('enough')) };
      await expect(openSlurmTask(last, request(['n1']), waiting)).rejects.toThrow('enough');
      expect(commentsOf(await cluster.jobs())).toEqual({ [first]: 'assay.run_id=first' });
    });

    it('replaces a task that is over by a job of its own', async () => {
      const { signal } = new AbortController();
      const [over = '', last = ''] = await submitSlurmArray(request(['n1']), { sessionId: 's2', count: 2, signal });
      await cancelAllocations([over]);
      const tasks = await openSlurmTask(last, request(['n1']), patience());
      expect((await executorOf(tasks, 'n1').run(shell('echo up'))).stdout).toBe('up\n');
      await tasks.close();
      const wanted = request(['n1']);
      const hosts = await openSlurmTask(over, wanted, patience());
      expect(await findAllocations(wanted.runId)).toEqual([hosts.allocation]);
      await hosts.close();
    });
  });

  function resetEnv(): void {
    vi.unstubAllEnvs();
    vi.stubEnv('SLURM_CONF', cluster.env.SLURM_CONF);
  }

  async function cancelRun(runId: string): Promise<void> {
    await cancelAllocations(await mustFind(runId));
  }

  async function mustFind(runId: string): Promise<readonly string[]> {
    const found = await findAllocations(runId);
    expect(found).not.toEqual([]);
    return found ?? [];
  }

  async function details(allocation: string): Promise<string> {
    const { stdout } = await execa('scontrol', ['show', 'job', '--oneliner', allocation]);
    return stdout;
  }
});

function patience(onWait: Waiting['onWait'] = () => undefined): Waiting {
  return { signal: new AbortController().signal, onWait };
}

function nodeOf(cluster: SlurmCluster, name: string): HostNode {
  const node = cluster.nodes.find((one) => one.name === name);
  if (node === undefined) throw new Error(`no node ${name}`);
  return node;
}

function executorOf({ executors }: SlurmHosts, name: string): Executor {
  const executor = executors.get(name);
  if (executor === undefined) throw new Error(`no executor for ${name}`);
  return executor;
}

function commentsOf(jobs: readonly SlurmJob[]): Readonly<Record<string, string>> {
  return Object.fromEntries(jobs.map(({ id, comment }) => [id, comment]));
}

/** What somebody knows of a run who cleans up behind it. */
function leftBy(nodes: readonly HostNode[], slurm: SlurmRequest['slurm']): HostsSpec {
  const reach = { executor: 'slurm', slurm } as const;
  return { reach, nodes, container: null, isExclusive: true, timeLimitMs: 600_000, session: 'none', task: null };
}

function start(executor: Executor, script: string, logFile = newLogFile()): Promise<RunningProcess> {
  return executor.start(shell(script), { runId: 'role', role: 'role', logFile, scrubber: noSecrets, secrets: {} });
}

function newLogFile(): string {
  return join(mkdtempSync(join(tmpdir(), 'role-')), 'role.log');
}

function lineOf(role: RunningProcess, pattern: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    if (role.tail(100).some((line) => pattern.test(line))) resolve();
    role.onLine((line) => {
      if (pattern.test(line)) resolve();
    });
    void role.exited.then((exit) =>
      reject(new Error(`ended before: ${JSON.stringify(exit)} ${role.tail(9).join('; ')}`)),
    );
  });
}

/** Another process that holds an allocation with a role in it; answers its id. */
async function startHolder(request: SlurmRequest): Promise<number> {
  const holder = new URL('slurm-holder.ts', import.meta.url).pathname;
  const load = `import { runnerImport } from 'vite'; await runnerImport(${JSON.stringify(holder)}, { configFile: false });`;
  const child = execa(process.execPath, ['--input-type=module', '-e', load], {
    cwd: new URL('../..', import.meta.url).pathname,
    env: { REQUEST: JSON.stringify(request) },
    reject: false,
    buffer: false,
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  if (child.pid === undefined) throw new Error('no holder');
  return child.pid;
}

/** What every executor promises, for the steps of an allocation. */
function describeSteps(): void {
  const runId = `steps-${process.pid}`;
  let cluster: SlurmCluster | null = null;
  describeConformance('a node of a Slurm allocation', {
    missing,
    open: async () => {
      cluster = await startSlurmCluster();
      vi.stubEnv('SLURM_CONF', cluster.env.SLURM_CONF);
      const nodes = cluster.nodes.slice(0, 1);
      const slurm = { partition: null, account: null, options: [] };
      const hosts = await openSlurmHosts({ nodes, slurm, isExclusive: true, timeLimitMs: 600_000, runId }, patience());
      return executorOf(hosts, 'n1');
    },
    close: async () => {
      await cluster?.close();
      vi.unstubAllEnvs();
    },
    clientOf: async () => {
      const clients = (await findMarked(CLIENT_LABEL, runId)) ?? [];
      const leaders = clients.filter((client) => client.kind === 'process' && client.pid === client.session);
      expect(leaders).toHaveLength(1);
      return leaders.flatMap((client) => (client.kind === 'process' ? [client.pid] : []))[0] ?? 0;
    },
  });
}
