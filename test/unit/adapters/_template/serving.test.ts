import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { toyServing } from '../../../../src/adapters/_template-serving/index.ts';
import { readSamples } from '../../../../src/evidence/tables/read-columns.ts';
import { runTemplate } from './run-template.ts';
import type { TemplateRun } from './run-template.ts';

const config = (port: number): string => `
schema_version: "2"
test_id: toy
target_gpu: cpu
framework: toy_serving
workload_kind: inference
topology: {roles: {server: {count: 1}}}
model: toy
params: {port: ${port}, num_prompts: 12, concurrency: 2}
benchmarks: [error_rate, e2el_p50, request_throughput]
thresholds:
  - {kind: Percentile, metric: e2el_ms, percentile: 50, op: "<=", value: 250}
  - {kind: Rate, metric: request_throughput, per_unit: sec, op: ">=", min_rate: 6}
`;

const SERVER = `
const { host, port } = require('node:util').parseArgs({
  options: { host: { type: 'string' }, port: { type: 'string' } },
}).values;
require('node:http').createServer((_, answer) => answer.end('ok')).listen(Number(port), host);
`;

/** A \\toyload whose figures are made up, \`end\` cuts what it writes; it asks the server once. */
const client = (failing: number, end: number): string => `
const { url, requests, out } = require('node:util').parseArgs({
  options: Object.fromEntries(['url', 'requests', 'concurrency', 'seed', 'out'].map((name) => [name, { type: 'string' }])),
}).values;
fetch(url).then((answer) => answer.text()).then((text) => {
  const rows = Array.from({ length: Number(requests) }, (_, index) => {
    const error = index < ${failing} ? 'refused' : null;
    console.log('request ' + index + ' ' + (error === null ? 'done' : 'failed'));
    const measured = error === null ? { ttft: 0.125, latency: 0.25, output_tokens: 8 } : { ttft: null, latency: null, output_tokens: null };
    return { sent_at: 1700000000 + index, ...measured, error };
  });
  const result = JSON.stringify({ started_at: 1700000000, duration: 2, requests: rows, answer: text });
  require('node:fs').writeFileSync(out, result.slice(0, ${end}));
});
`;

afterEach(() => vi.unstubAllEnvs());

async function serve({ failing = 0, end = Infinity } = {}): Promise<TemplateRun> {
  const programs = { toyserve: SERVER, toyload: client(failing, end) };
  return runTemplate(toyServing, config(await freePort()), programs);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('the template of a serving adapter', () => {
  it('serves, and is judged by what its client wrote', async () => {
    const { folder, manifest } = await serve();
    expect(manifest.failure).toBe(null);
    expect(manifest.verdicts.map(({ benchmark, actual }) => [benchmark, actual])).toEqual([
      ['e2el_p50', 250],
      ['request_throughput', 6],
      ['error_rate', 0],
    ]);
    expect(manifest.result.measured).toEqual({ started_at_ms: 1_700_000_000_000, duration_ms: 2000 });
    expect(manifest.result.scalars).toMatchObject({
      requests: 12,
      completed: 12,
      throughput_tps: 48,
      ttft_p50_ms: 125,
    });
    const samples = await readSamples(join(folder, 'samples.parquet'));
    expect([...(samples.numeric('ts') ?? [])].map((ts) => ts - 1_700_000_000_000).slice(0, 3)).toEqual([0, 1000, 2000]);
  });

  it('is ended by a load that fails', async () => {
    const { manifest } = await serve({ failing: 12 });
    expect([manifest.status, manifest.failure?.message]).toEqual([
      'failed_safety',
      expect.stringMatching(/^error_rate: (\d+) of \1 requests failed$/),
    ]);
  });

  it.each([0, 1, 40, 200])('says what is wrong with a result of %d bytes', async (end) => {
    const { manifest } = await serve({ end });
    expect([manifest.status, manifest.failure?.message]).toEqual([
      'failed_parse',
      expect.stringMatching(end === 0 ? /toyload\.json is empty \(0 bytes\)/ : /toyload\.json is cut short/),
    ]);
  });
});
