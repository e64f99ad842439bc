import type { SampleRow } from '../../../evidence/tables/samples.ts';
import type { Fields } from './fields.ts';

const LISTS = ['ttfts', 'itls', 'errors', 'input_lens', 'output_lens', 'start_times'] as const;
const SECOND = 1000;

/**
 * The requests behind a summary, from the lists (in seconds) that serving benchmarks save on demand. Only a place in
 * the lists says what belongs together: lists of unequal lengths give no rows, and their summary stays.
 */
export function detailRows(fields: Fields): readonly SampleRow[] {
  const lists = LISTS.filter((name) => fields.list(name) !== null);
  const missing = ['ttfts', 'itls', 'output_lens'].filter((name) => !lists.some((list) => list === name));
  if (missing.length > 0) {
    if (lists.includes('ttfts') || lists.includes('itls'))
      fields.note('', `has no ${missing.join(' and no ')}: its requests are left out, the summary is kept`);
    return [];
  }
  const lengths = lists.map((name) => `${fields.list(name)?.length ?? 0} ${name}`);
  const count = fields.list('ttfts')?.length ?? 0;
  if (lists.some((name) => fields.list(name)?.length !== count)) {
    const why = 'nobody can tell which belong together';
    fields.note('', `has ${lengths.join(', ')}: ${why}; its requests are left out, the summary is kept`);
    return [];
  }
  const startS = earliest(fields, count);
  return Array.from({ length: count }, (_, index) => rowAt(fields, index, startS));
}

/** The smallest start time; null where the file has none. They come from a clock that begins anywhere. */
function earliest(fields: Fields, count: number): number | null {
  let least: number | null = null;
  for (let index = 0; index < count; index++) {
    const startS = fields.amountAt('start_times', index);
    if (startS !== null && (least === null || startS < least)) least = startS;
  }
  return least;
}

function rowAt(fields: Fields, index: number, originS: number | null): SampleRow {
  const ttftS = fields.amountAt('ttfts', index);
  const error = errorAt(fields, index, ttftS);
  const shared = {
    requestId: String(index),
    tsMs: offsetAt(fields, index, originS),
    inputTokens: fields.countAt('input_lens', index),
    role: 'server',
    host: 'unknown',
    latenessMs: null,
  };
  if (error !== null) return { ...shared, ...UNMEASURED, ok: false, error };
  const outputTokens = fields.countAt('output_lens', index);
  return { ...shared, ...timesOf(fields, index, { ttftS, outputTokens }), outputTokens, ok: true, error: null };
}

const YEAR_S = 365 * 86_400;

/** How long after the first request this one was sent; 0 where the file does not say it. */
function offsetAt(fields: Fields, index: number, originS: number | null): number {
  const startS = fields.amountAt('start_times', index);
  if (startS === null || originS === null) return 0;
  if (startS - originS < YEAR_S) return (startS - originS) * SECOND;
  fields.note(`start_times[${index}]`, `is ${startS}, years after the first request`);
  return 0;
}

const UNMEASURED = { ttftMs: null, tpotMs: null, itlMs: null, e2elMs: null, outputTokens: null, itlsMs: [] } as const;

/** Why a request failed; null when it did not. Without errors, one that never had a token has failed: it keeps its place with 0. */
function errorAt(fields: Fields, index: number, ttftS: number | null): string | null {
  const errors = fields.list('errors');
  if (errors === null) return ttftS === 0 ? 'no token came' : null;
  const error = errors[index];
  if (typeof error === 'string') return error === '' ? null : error;
  if (error === null) return null;
  fields.note(`errors[${index}]`, `is ${JSON.stringify(error)}, no text: the request counts as failed`);
  return JSON.stringify(error);
}

type Times = Pick<SampleRow, 'ttftMs' | 'tpotMs' | 'itlMs' | 'e2elMs' | 'itlsMs'>;

function timesOf(
  fields: Fields,
  index: number,
  { ttftS, outputTokens }: { readonly ttftS: number | null; readonly outputTokens: number | null },
): Times {
  const ttftMs = ttftS === null || ttftS === 0 ? null : ttftS * SECOND;
  const gapsMs = gapsAt(fields, index);
  if (gapsMs === null) return { ...UNMEASURED, ttftMs };
  const sumMs = gapsMs.reduce((sum, gap) => sum + gap, 0);
  return {
    ttftMs,
    tpotMs: gapsMs.length > 0 && outputTokens !== null && outputTokens > 1 ? sumMs / (outputTokens - 1) : null,
    itlMs: gapsMs.length > 0 ? sumMs / gapsMs.length : null,
    e2elMs: ttftMs === null ? null : ttftMs + sumMs,
    itlsMs: gapsMs,
  };
}

/** The gaps of a request in milliseconds; null, with a note, when one of them is none: their sum would be too small. */
function gapsAt(fields: Fields, index: number): readonly number[] | null {
  const gaps: unknown = fields.list('itls')?.[index];
  const isWhole =
    Array.isArray(gaps) && gaps.every((gap) => typeof gap === 'number' && Number.isFinite(gap) && gap >= 0);
  if (isWhole) return (gaps as readonly number[]).map((gap) => gap * SECOND);
  fields.note(`itls[${index}]`, 'is no list of times: the request keeps only its time to first token');
  return null;
}
