import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RUN_FILES } from '../../evidence/run-folder.ts';
import { counterIncreases, parseMetrics } from './metrics-scrape.ts';
import type { MetricSample } from './metrics-scrape.ts';
import { metricsFile } from './serving-observe.ts';

/** What a server counted over a load, series by series; null where it published nothing before or after it. */
export type Increases = readonly MetricSample[] | null;

/** Reads what the counters of these servers grew by over the load, from the attachments of a run. */
export async function readIncreases(folder: string, hosts: readonly string[]): Promise<Increases> {
  const all = await Promise.all(hosts.map((host) => increasesOn(folder, host)));
  const known = all.filter((one) => one !== null);
  return known.length === 0 || known.length < all.length ? null : known.flat();
}

async function increasesOn(folder: string, host: string): Promise<Increases> {
  const read = (when: 'before' | 'after'): Promise<string | null> =>
    readFile(join(folder, RUN_FILES.attachments, metricsFile(when, host)), 'utf8').catch(() => null);
  const [before, after] = [await read('before'), await read('after')];
  return before === null || after === null ? null : counterIncreases(parseMetrics(before), parseMetrics(after));
}

/** The growth of a counter, all its series together; null where there is none, or one that is no finite number. */
export function growthOf(
  increases: Increases,
  name: string,
  isMeant: (labels: MetricSample['labels']) => boolean = () => true,
): number | null {
  const series = increases?.filter((sample) => sample.name === name) ?? [];
  if (series.length === 0) return null;
  const sum = series.filter(({ labels }) => isMeant(labels)).reduce((total, { value }) => total + value, 0);
  return Number.isFinite(sum) ? sum : null;
}

/** The mean of a histogram over the load, in its own unit; null where nothing was observed. */
export function meanOf(increases: Increases, histogram: string): number | null {
  return ratio(growthOf(increases, `${histogram}_sum`), growthOf(increases, `${histogram}_count`));
}

/** A share of two growths; null where the whole did not grow, or is not known. */
export function ratio(part: number | null, whole: number | null): number | null {
  return part === null || whole === null || whole === 0 ? null : part / whole;
}
