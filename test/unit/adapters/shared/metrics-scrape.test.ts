import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { MetricSample } from '../../../../src/adapters/shared/metrics-scrape.ts';
import { counterIncreases, parseMetrics, scrapeMetrics } from '../../../../src/adapters/shared/metrics-scrape.ts';

const samples: fc.Arbitrary<MetricSample> = fc.record({
  name: fc.stringMatching(/^[a-zA-Z_:][a-zA-Z0-9_:]{0,10}$/),
  labels: fc.dictionary(fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,6}$/), fc.string({ unit: 'binary' }), {
    noNullPrototype: true,
  }),
  // Adding 0 makes -0 a plain 0, which is all the text can say.
  value: fc.double().map((value) => value + 0),
});

function render({ name, labels, value }: MetricSample, tail = ''): string {
  const escape = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escape(text)}"`);
  const number = String(value).replace('Infinity', 'Inf');
  return `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${number}${tail}`;
}

describe('parseMetrics', () => {
  it('reads back every sample that can be written', () => {
    const tails = fc.constantFrom('', ' 1712345678901', ' # {trace_id="a b"} 0.5 1.2', '\r');
    fc.assert(
      fc.property(fc.array(fc.tuple(samples, tails)), (written) => {
        const text = written.map(([sample, tail]) => render(sample, tail)).join('\n');
        expect(parseMetrics(text)).toEqual(written.map(([sample]) => sample));
      }),
    );
  });

  it('reads an exposition as vLLM publishes it', () => {
    const text = [
      '# HELP vllm:e2e_request_latency_seconds Histogram of e2e request latency in seconds.',
      '# TYPE vllm:e2e_request_latency_seconds histogram',
      'vllm:e2e_request_latency_seconds_bucket{le="+Inf",model_name="a\\"b"} 12.0',
      'vllm:generation_tokens_total{engine="0", model_name="tiny",} 1.5e+03 1712345678901',
      'vllm:generation_tokens_created{model_name="tiny"} 1.7123e+09',
      'vllm:kv_cache_usage_perc NaN',
      'process_max_fds +Inf',
      'floor -Inf',
      '',
      'not a sample at all',
      'half{a="b" 3',
      'word{} seven',
    ].join('\n');
    expect(parseMetrics(text)).toEqual([
      {
        name: 'vllm:e2e_request_latency_seconds_bucket',
        labels: { le: '+Inf', model_name: 'a"b' },
        value: 12,
      },
      {
        name: 'vllm:generation_tokens_total',
        labels: { engine: '0', model_name: 'tiny' },
        value: 1500,
      },
      { name: 'vllm:generation_tokens_created', labels: { model_name: 'tiny' }, value: 1.7123e9 },
      { name: 'vllm:kv_cache_usage_perc', labels: {}, value: NaN },
      { name: 'process_max_fds', labels: {}, value: Infinity },
      { name: 'floor', labels: {}, value: -Infinity },
    ]);
  });

  it('is not misled by braces, blanks and hashes within a label', () => {
    expect(parseMetrics('a{l="x} 5 6 # "} 3')).toEqual([{ name: 'a', labels: { l: 'x} 5 6 # ' }, value: 3 }]);
  });
});

describe('counterIncreases', () => {
  const sample = (name: string, value: number, labels = {}): MetricSample => ({
    name,
    labels,
    value,
  });

  it('subtracts series by series, whatever the order of labels', () => {
    const before = [sample('a', 3, { x: '1', y: '2' }), sample('a', 5, { x: '2' }), sample('gone', 1)];
    const after = [sample('a', 9, { x: '2' }), sample('a', 10, { y: '2', x: '1' })];
    expect(counterIncreases(before, after)).toEqual([sample('a', 4, { x: '2' }), sample('a', 7, { x: '1', y: '2' })]);
  });

  it('counts from 0 what is new or has begun again, and leaves times of creation out', () => {
    const before = [sample('restarted', 100), sample('restarted_created', 1)];
    const after = [sample('restarted', 4), sample('new', 2), sample('restarted_created', 9)];
    expect(counterIncreases(before, after)).toEqual([sample('restarted', 4), sample('new', 2)]);
  });
});

describe('scrapeMetrics', () => {
  async function serve(listener: RequestListener): Promise<string> {
    const server = createServer(listener).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
  }

  it('fetches and reads', async () => {
    const url = await serve((request, response) => response.end(`path{is="${request.url}"} 1\n`));
    expect(await scrapeMetrics(url, { timeoutMs: 10_000 })).toEqual([
      { name: 'path', labels: { is: '/metrics' }, value: 1 },
    ]);
  });

  it('says what came instead', async () => {
    const refusing = await serve((_, response) => response.writeHead(503).end('not yet'));
    await expect(scrapeMetrics(refusing, { timeoutMs: 10_000 })).rejects.toMatchObject({
      code: 'PARSE_FAILED',
      message: `metrics of ${refusing}: status 503: not yet`,
    });
    const page = await serve((_, response) => response.end('<html>hello</html>'));
    await expect(scrapeMetrics(page, { timeoutMs: 10_000 })).rejects.toMatchObject({
      code: 'PARSE_FAILED',
      message: `metrics of ${page}: no sample in "<html>hello</html>"`,
    });
  });

  it('gives up on a server that does not answer', async () => {
    const url = await serve(() => undefined);
    await expect(scrapeMetrics(url, { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'PARSE_FAILED',
    });
  });
});
