import { isRecord } from './fields.ts';
import type { JsonRecord } from './fields.ts';
import type { ResultFormat } from './result-run.ts';

/** How a format is told from others. */
interface FormatMark {
  /** What writes such files. */
  readonly title: string;
  /** Whether an object is one run of it, or (AIPerf) one request. */
  readonly isLike: (record: JsonRecord) => boolean;
}

/** The formats by their marks, each of which excludes the others. */
export const FORMATS: Readonly<Record<ResultFormat, FormatMark>> = {
  aiperf: {
    title: 'AIPerf (profile_export.jsonl)',
    isLike: (record) => isRecord(record['metadata']) && (isRecord(record['metrics']) || 'error' in record),
  },
  'inferencex-agg': {
    title: 'InferenceX (agg_*.json)',
    isLike: (record) => has(record, 'hw', 'conc', 'framework'),
  },
  'sglang-bench': {
    title: 'SGLang bench_serving (JSONL)',
    isLike: isSglang,
  },
  'vllm-bench': {
    title: 'vllm bench serve (JSON)',
    isLike: (record) =>
      !isSglang(record) && (has(record, 'completed', 'duration') || has(record, 'model_id', 'num_prompts')),
  },
};

function isSglang(record: JsonRecord): boolean {
  return has(record, 'backend', 'completed', 'sharegpt_output_len') || has(record, 'backend', 'random_input_len');
}

/** The format of the first object that has the marks of one; null when none has. */
export function formatOf(records: readonly JsonRecord[]): ResultFormat | null {
  for (const record of records) {
    const found = Object.entries(FORMATS).find(([, { isLike }]) => isLike(record));
    if (found !== undefined) return found[0] as ResultFormat;
  }
  return null;
}

function has(record: JsonRecord, ...names: readonly string[]): boolean {
  return names.every((name) => Object.hasOwn(record, name));
}
