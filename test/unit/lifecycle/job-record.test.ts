import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hashOf } from '../../../src/core/hash.ts';
import { scrubberOf } from '../../../src/core/scrubber.ts';
import { readSecrets } from '../../../src/core/secret.ts';
import { readManifest } from '../../../src/evidence/run-reader.ts';
import { readOwnManifest, RunWriter } from '../../../src/evidence/run-writer.ts';
import type { Command } from '../../../src/exec/executor.ts';
import { localExecutor } from '../../../src/exec/local.ts';
import type { RunRequest } from '../../../src/lifecycle/adapter.ts';
import type { JobContext } from '../../../src/lifecycle/context.ts';
import { JobRecord } from '../../../src/lifecycle/job-record.ts';
import { DEMO_CONFIG } from '../demo-config.ts';
import { startedRun } from '../started-run.ts';
import { contextOf, runQuietly, Serving } from './job-bench.ts';

const SENTINEL = 'S3NTINEL-of-this-test';
const SECRET = 'secrets: {hf_token: {kind: SecretValue, source: env, env_var: DEMO_HF_TOKEN}}\n';
const DIGEST = `sha256:${'d'.repeat(64)}`;
const CONTAINER = `container: {image: "demo:1", runtime: docker, env: {MODE: fast, SHARED: container}}\n`;
const UP = 'console.log("up"); setInterval(() => {}, 1000)';

const served = (env: Readonly<Record<string, string>>, ...args: readonly string[]): Command => ({
  file: process.execPath,
  args: ['-e', UP, ...args],
  env,
});

async function run(
  command: Command,
  config: string,
): Promise<{ readonly request: RunRequest; readonly context: JobContext }> {
  process.env['DEMO_HF_TOKEN'] = SENTINEL;
  const request = startedRun(config);
  const secrets = readSecrets(request.cell.workload.secrets, process.env);
  const scrubber = scrubberOf(Object.values(secrets));
  const context = contextOf(request, { secrets, scrubber, writer: new RunWriter(request.folder, scrubber) });
  await runQuietly(new Serving(command), context);
  await context.hosts.close();
  return { request, context };
}

/** The record of a run whose config runs its roles in containers; nothing was launched. */
function recordOf(config: string): JobRecord {
  const request = startedRun(config);
  return new JobRecord(readOwnManifest(request.folder), request);
}

describe('the manifest of a run', () => {
  it('says what a role was given, and of secrets only which ones', async () => {
    const { request } = await run(
      served({ THREADS: '2', NOTE: `given ${SENTINEL}` }, `--note=${SENTINEL}`),
      `${DEMO_CONFIG}${SECRET}`,
    );
    const { launches } = readManifest(request.folder);
    const mark = '<SecretValue label=hf_token>';
    expect(launches).toMatchObject([
      {
        argv: [process.execPath, '-e', UP, `--note=${mark}`],
        env: { THREADS: '2', NOTE: `given ${mark}`, DEMO_HF_TOKEN: mark },
      },
    ]);
    const files = readdirSync(request.folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
    const leaks = files.filter((one) => readFileSync(join(one.parentPath, one.name)).includes(SENTINEL));
    expect(leaks.map(({ name }) => name)).toEqual([]);
  });

  it('says what its workload hash is made of', async () => {
    const { request } = await run(served({}), DEMO_CONFIG);
    const { workload_inputs: inputs, workload_hash: hash, params } = readManifest(request.folder);
    expect(hashOf(inputs)).toBe(hash);
    expect(inputs).toMatchObject({ framework: 'llama_cpp', params, bindings: { server: ['localhost'] } });
  });

  it('says what its hosts are and what they did', async () => {
    const { request } = await run(served({}), DEMO_CONFIG);
    const { hosts, host_resources: usage } = readManifest(request.folder);
    expect(hosts).toMatchObject([
      {
        hostname: 'localhost',
        ip: null,
        role: 'server',
        roles: ['server'],
        fingerprint: { node_version: process.version },
      },
    ]);
    expect(Object.keys(hosts[0]!.fingerprint)).toEqual(
      expect.arrayContaining([
        'os',
        'kernel',
        'cpu_model',
        'nics',
        'rdma',
        'container_runtime',
        'gpu_count',
        'gpu_name',
      ]),
    );
    expect(usage).toMatchObject({ localhost: { readings: 2 } });
    expect(usage['localhost']?.memory_used_max_bytes).toBeGreaterThan(2 ** 20);
    expect(usage['localhost']?.cpu_busy_s).toBeGreaterThanOrEqual(0);
  });

  it('says nothing of hosts that were never reached', async () => {
    const request = startedRun(DEMO_CONFIG);
    const context = contextOf(request);
    context.abort(new Error('never'));
    const manifest = await runQuietly(new Serving(served({})), context);
    expect(manifest).toMatchObject({ status: 'failed_setup', host_resources: {}, launches: [] });
  });
});

describe('JobRecord', () => {
  it('says the digest of the image once it is known', () => {
    const record = recordOf(`${DEMO_CONFIG}${CONTAINER}`);
    expect(record.manifest).toMatchObject({ container: { digest: null }, framework_image_digest: null });
    record.setImage(DIGEST);
    expect(record.manifest).toMatchObject({ container: { digest: DIGEST }, framework_image_digest: DIGEST });
  });

  it('says the environment of a container as the role sees it', async () => {
    const record = recordOf(`${DEMO_CONFIG}${CONTAINER}${SECRET}`);
    const { context } = await run(served({ SHARED: 'role' }), DEMO_CONFIG);
    const [launched] = context.launched;
    record.setLaunches([launched!]);
    expect(record.manifest.launches[0]?.env).toEqual({
      MODE: 'fast',
      SHARED: 'role',
      DEMO_HF_TOKEN: '<SecretValue label=hf_token>',
    });
  });

  it('says where a host was reached, unless it is this machine', async () => {
    const request = startedRun(DEMO_CONFIG);
    const [node] = request.on.nodes;
    const nodes = [{ ...node!, address: { ...node!.address, host: '10.0.0.11' } }];
    const facts = new Map([['localhost', await localExecutor('localhost').fingerprint()]]);
    const ipOver = (reach: RunRequest['on']['reach']): string | null | undefined => {
      const record = new JobRecord(readOwnManifest(request.folder), {
        ...request,
        on: { ...request.on, reach, nodes },
      });
      record.setHosts(facts, new Map());
      return record.manifest.hosts[0]?.ip;
    };
    expect(ipOver({ executor: 'ssh', config: null })).toBe('10.0.0.11');
    expect(ipOver({ executor: 'local' })).toBe(null);
  });
});
