import { flagTarget, isNumeric, labelTarget, listTarget, numberTarget, readTexts } from './column-targets.ts';
import type { LabelTarget } from './column-targets.ts';
import { scanParquet } from './parquet-scan.ts';
import { groupSeries } from './series.ts';
import type { SeriesKey } from './series.ts';
import type { SampleColumns, Series } from './tables.ts';

/**
 * Loads samples.parquet. With `columns`, only these are loaded besides `ok`,
 * `role` and `host`; asking the result for another one of the file is an error.
 *
 * @throws AssayError EVIDENCE_MISSING or EVIDENCE_DAMAGED.
 */
export function readSamples(path: string, columns?: readonly string[]): Promise<SampleColumns> {
  return scanParquet(path, ['ok', 'role', 'host'], async (file) => {
    const isWanted = (name: string) => file.types.has(name) && (columns?.includes(name) ?? true);
    const numericNames = [...file.types.keys()].filter((name) => isNumeric(file.types.get(name)));
    const numeric = new Map(numericNames.filter(isWanted).map((name) => [name, numberTarget(file, name)]));
    const ok = flagTarget(file, 'ok');
    const roles = await labelTarget(file, 'role');
    const hosts = await labelTarget(file, 'host');
    const itls = isWanted('itls_ms') ? await listTarget(file, 'itls_ms') : null;
    const requestIds = isWanted('request_id') ? await readTexts(file, 'request_id') : null;
    const optional = [itls, requestIds?.target ?? null].filter((target) => target !== null);
    await file.read([...numeric.values(), ok, roles, hosts, ...optional]);

    const requireAsked = (name: string) => {
      if (file.types.has(name) && !isWanted(name)) throw new Error(`Column ${name} of ${path} was not asked for.`);
    };
    return {
      rows: file.rows,
      numeric(name) {
        if (numericNames.includes(name)) requireAsked(name);
        return numeric.get(name)?.values ?? null;
      },
      ok: ok.values,
      roles: textsOf(roles),
      hosts: textsOf(hosts),
      get requestIds() {
        requireAsked('request_id');
        return requestIds?.texts() ?? [];
      },
      requestId(row) {
        requireAsked('request_id');
        return requestIds?.textAt(row);
      },
      get itls() {
        requireAsked('itls_ms');
        return itls?.values ?? null;
      },
    };
  });
}

/**
 * Loads trajectory.parquet as one series per metric, role, host and rank, in
 * that order.
 *
 * @throws AssayError EVIDENCE_MISSING or EVIDENCE_DAMAGED.
 */
export function readTrajectory(path: string): Promise<readonly Series[]> {
  return scanParquet(path, ['step', 'ts', 'metric', 'value', 'role', 'host', 'rank'], async (file) => {
    const steps = numberTarget(file, 'step');
    const times = numberTarget(file, 'ts');
    const values = numberTarget(file, 'value');
    // JSON keeps the four parts of a key apart whatever they say.
    const keys = await labelTarget(file, 'to_json([metric, role, host, rank::VARCHAR])::VARCHAR');
    await file.read([steps, times, values, keys]);
    return groupSeries({
      keys: keys.names.map(parseKey),
      seriesOf: keys.values,
      steps: steps.values,
      tsMs: times.values,
      values: values.values,
    });
  });
}

function parseKey(json: string): SeriesKey {
  const [metric, role, host, rank] = JSON.parse(json) as [string, string, string, string | null];
  return { metric, role, host, rank: rank === null ? null : Number(rank) };
}

function textsOf({ names, values }: LabelTarget): readonly string[] {
  return Array.from(values, (code) => names[code] ?? '');
}
