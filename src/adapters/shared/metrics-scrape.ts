import { request } from 'undici';
import { AssayError, messageOf } from '../../core/errors.ts';
import { snippet } from './stream-events.ts';

/** One series of a Prometheus text exposition at one moment; the value may be NaN or infinite. */
export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface ScrapeOptions {
  readonly timeoutMs: number;
}

/** Fetches a `/metrics` address; throws PARSE_FAILED when it cannot be read or holds no sample. */
export async function scrapeMetrics(url: string, options: ScrapeOptions): Promise<MetricSample[]> {
  const text = await fetchMetrics(url, options);
  const samples = parseMetrics(text);
  if (samples.length > 0) return samples;
  throw new AssayError('PARSE_FAILED', `metrics of ${url}: no sample in "${snippet(text)}"`);
}

/** Fetches a `/metrics` address as it is; throws PARSE_FAILED when it cannot be had. */
export async function fetchMetrics(url: string, { timeoutMs }: ScrapeOptions): Promise<string> {
  return fetchText(url, timeoutMs).catch((cause: unknown) => {
    throw new AssayError('PARSE_FAILED', `metrics of ${url}: ${messageOf(cause)}`, {
      hint: 'check that the server runs and publishes metrics at this address',
      cause,
    });
  });
}

async function fetchText(url: string, timeoutMs: number): Promise<string> {
  const { statusCode, body } = await request(url, {
    signal: AbortSignal.timeout(timeoutMs),
    reset: true,
  });
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`status ${statusCode}: ${snippet(text)}`);
  return text;
}

const sampleLine = /^([a-zA-Z_:][\w:]*)(?:\s*\{((?:[^"{}]|"(?:\\.|[^"\\])*")*)\})?\s+(\S+)(?:\s+-?[\d.]+)?(?:\s+#.*)?$/;
const labelPair = /([a-zA-Z_]\w*)\s*=\s*"((?:\\.|[^"\\])*)"/g;

/** Reads the Prometheus (or OpenMetrics) text format; comments and lines of another shape are left out. */
export function parseMetrics(text: string): MetricSample[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value = ''] = sampleLine.exec(line.trim()) ?? [];
    const number = parseValue(value);
    return name === undefined || number === null ? [] : [{ name, labels: parseLabels(labels), value: number }];
  });
}

function parseLabels(text: string): Record<string, string> {
  const pairs = [...text.matchAll(labelPair)];
  return Object.fromEntries(pairs.map(([, name = '', value = '']) => [name, unescape(value)]));
}

function unescape(text: string): string {
  return text.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
}

function parseValue(text: string): number | null {
  const infinity = /^([+-]?)inf(?:inity)?$/i.exec(text);
  if (infinity) return infinity[1] === '-' ? -Infinity : Infinity;
  const value = Number(text);
  return Number.isNaN(value) && text.toLowerCase() !== 'nan' ? null : value;
}

/**
 * How much each counter grew between two scrapes, series by series. A series
 * that is new or smaller than before began at 0 in between. Times of creation
 * (`_created`) are no counters and are left out.
 */
export function counterIncreases(before: readonly MetricSample[], after: readonly MetricSample[]): MetricSample[] {
  const earlier = new Map(before.map((sample) => [seriesKey(sample), sample.value]));
  return after
    .filter(({ name }) => !name.endsWith('_created'))
    .map((sample) => {
      const start = earlier.get(seriesKey(sample)) ?? 0;
      return { ...sample, value: sample.value - (start <= sample.value ? start : 0) };
    });
}

function seriesKey({ name, labels }: MetricSample): string {
  return JSON.stringify([name, ...Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))]);
}
