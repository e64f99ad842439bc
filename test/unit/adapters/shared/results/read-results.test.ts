import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FoundRun } from '../../../../../src/adapters/shared/results/read-results.ts';
import { AssayError } from '../../../../../src/core/errors.ts';
import { changed, fixture, fixtureNames, noSamples, read, sample } from './files.ts';

/** What is thrown for a file, in one line with the next step. */
function refusal(bytes: string | Buffer, file = 'r.json'): string {
  try {
    read(bytes, file);
  } catch (thrown) {
    if (!(thrown instanceof AssayError)) throw thrown;
    expect(thrown.code).toBe('PARSE_FAILED');
    return `${thrown.message} -> ${thrown.hint ?? ''}`;
  }
  throw new Error('it was read');
}

/** What a run says, apart from what was left out and where it stands in time. */
const said = ({ dropped: _dropped, endedAtMs: _ended, ...run }: FoundRun) => run;

describe('readResults', () => {
  it('tells formats by what is in them', () => {
    expect(fixtureNames.map((name) => `${name} ${read(fixture(name)).format}`).toSorted()).toEqual([
      'aiperf-profile.jsonl aiperf',
      'inferencex-agentic.json inferencex-agg',
      'inferencex-agg.json inferencex-agg',
      'inferencex-baseline.json inferencex-agg',
      'sglang-runs.jsonl sglang-bench',
      'vllm-all-failed.json vllm-bench',
      'vllm-detailed.json vllm-bench',
      'vllm-summary.json vllm-bench',
      'vllm-sweep.json vllm-bench',
    ]);
  });

  it('takes the format that is given', () => {
    const bare = '{"mean_ttft_ms": 5, "duration": 1}';
    expect(refusal(bare)).toContain('has the fields mean_ttft_ms, duration: no known result');
    expect(read(bare, 'r.json', 'vllm-bench').runs[0]?.scalars['ttft_mean_ms']).toBe(5);
    expect(() => read(fixture('vllm-summary.json'), 'r.json', 'aiperf')).toThrow(
      'r.json has no figure that aiperf files have',
    );
  });

  it('reads results that vLLM appended to one file, each in its line', () => {
    const line = fixture('vllm-all-failed.json').toString().trim();
    const { runs, format } = read(`${line}\n\n${line}\n`, 'all.json');
    expect(format).toBe('vllm-bench');
    expect(runs.map(({ where, entry }) => [where, entry])).toEqual([
      ['all.json:1', 0],
      ['all.json:3', 2],
    ]);
  });

  it('reads a file with a byte order mark', () => {
    expect(read(`\uFEFF${fixture('vllm-summary.json').toString()}`).format).toBe('vllm-bench');
  });

  it('accepts the numbers that JSON lacks from SGLang alone', () => {
    const bad = fixture('vllm-detailed.json').toString().replace('"rtfx": 0.0', '"rtfx": Infinity');
    expect(refusal(bad)).toMatch(
      /^r\.json:1:\d+ is no JSON \(.*\): .*"rtfx": Infinity.* -> give the file as the benchmark wrote it$/,
    );
  });

  it.each([
    ['an empty file', '', 'r.json:1:1 is empty (0 bytes)'],
    ['blanks', ' \n\n', 'r.json:1:1 is empty (3 bytes of blanks)'],
    ['gzip', gzipSync('{}'), 'r.json:1:1 is gzip, no text'],
    ['Parquet', 'PAR1....', 'r.json:1:1 is Parquet, no text'],
    ['binary', Buffer.from('{"a": \0}'), 'r.json is binary: byte 6 is 0'],
    ['Latin-1', Buffer.from('{"a": "\xe9\xe9"}', 'latin1'), 'r.json is no UTF-8 text'],
    ['CSV', 'model,isl,tput\na,1,2\n', 'r.json:1:1 is a table (CSV), no JSON: model,isl,tput'],
    [
      'server metrics',
      '# AIPerf Server Metrics Export (CSV)\n#\nEndpoint,Type,Metric\n',
      'holds the metrics of a server, no result',
    ],
    ['a log', 'INFO server is up\n', 'r.json:1:1 begins with no JSON: INFO server is up'],
    ['an empty object', '{}', 'r.json has an object without fields: no known result'],
    ['an empty list', '[]', 'r.json:1:1 holds no object: []'],
    ['a list of numbers', '[1, 2]', 'r.json:1:1 holds no object: [1, 2]'],
    ['a scalar in a list of results', '["x"]', 'holds no object'],
    ['two documents on one line', '{"a": 1} {"b": 2}', 'r.json:1:10 is no JSON'],
    ['a mistake in the second line', '{"duration": 1,\n "completed": nope}', 'r.json:2:16 is no JSON'],
  ])('refuses %s with its place and a next step', (_, bytes, message) => {
    expect(refusal(bytes)).toContain(message);
    expect(refusal(bytes)).toMatch(/ -> \S+/);
  });

  it('names what to give instead of server metrics', () => {
    expect(refusal('# AIPerf Server Metrics Export (CSV)\n', 'm.csv')).toMatch(
      /-> give profile_export\.jsonl of the same folder/,
    );
  });

  it('shows where a file is cut short', () => {
    const cut = fixture('vllm-summary.json').subarray(0, 200);
    expect(refusal(cut)).toMatch(
      /^r\.json:8:\d+ is cut short: its JSON ends in the middle, after 200 bytes: \.\.\..* -> copy the file again, whole$/,
    );
  });

  it('leaves out of a list what is no result, and says so', () => {
    const [first] = JSON.parse(fixture('vllm-sweep.json').toString()) as readonly unknown[];
    const { runs } = read(JSON.stringify([first, 7, { note: 'none' }]), 's.json');
    expect(runs.map(({ where, dropped }) => ({ where, dropped }))).toEqual([
      {
        where: 's.json[0]',
        dropped: ['s.json[2] has no figure of vllm-bench: left out', 's.json: [1] is no object: left out'],
      },
    ]);
  });

  it.each(fixtureNames)('keeps a true part of %s, or refuses it with its place, wherever it is cut', (name) => {
    const bytes = fixture(name);
    const whole = read(bytes, name);
    for (let length = 0; length < bytes.length; length++) expectTruePart(bytes.subarray(0, length), name, whole.runs);
  });

  it.skipIf(noSamples !== null)(`does so with published files${noSamples === null ? '' : `: ${noSamples}`}`, () => {
    const paths = [
      'vllm/auro_h100_c8_detailed_2025-03.json',
      'sglang/datacrunch_llama_3_3_70b_online_output.jsonl',
      'sglang/tonyli_pd_1p1d_n100_in2048_out512_c128.jsonl',
      'inferencemax/infx_agentic_kimik2.7_conc4.json',
      'inferencemax/infx_aiperf_profile_export_slice.jsonl',
    ];
    for (const path of paths) {
      const bytes = sample(path);
      const { runs } = read(bytes, path);
      const length = fc.integer({ min: 0, max: bytes.length - 1 });
      fc.assert(
        fc.property(length, (cut) => expectTruePart(bytes.subarray(0, cut), path, runs)),
        { numRuns: 40 },
      );
    }
  });

  it('never crashes on values of other kinds, and never gives a number that no column can hold', () => {
    const names = fixtureNames.filter((name) => name.endsWith('.json') && name !== 'vllm-sweep.json');
    const junk = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(1e300, -1, 2 ** 31, 0.5, '', 'inf', null, [[1e308, 1e308]], { value: 1 }, [null]),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.array(fc.tuple(fc.nat(60), junk), { maxLength: 4 }),
        (name, changes) => {
          const fields = Object.keys(JSON.parse(fixture(name).toString()) as object);
          const text = changed(
            name,
            Object.fromEntries(changes.map(([at, value]) => [fields[at % fields.length] ?? '', value])),
          );
          expectPlain(text);
        },
      ),
      { numRuns: 500 },
    );
  });
});

function expectTruePart(bytes: Buffer, name: string, whole: readonly FoundRun[]): void {
  let runs: readonly FoundRun[];
  try {
    ({ runs } = read(bytes, name));
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(AssayError);
    expect((thrown as AssayError).message.startsWith(name)).toBe(true);
    expect((thrown as AssayError).hint).toBeTruthy();
    return;
  }
  for (const run of runs) {
    const same = whole.find(({ entry }) => entry === run.entry);
    if (name.includes('aiperf') && same !== undefined) {
      expect(run.rows).toEqual(same.rows.slice(0, run.rows.length));
      expect(run.durationMs).toBeLessThanOrEqual(same.durationMs ?? 0);
      const isWhole = run.rows.length === same.rows.length;
      expect(isWhole || run.dropped.some((sentence) => sentence.includes('is cut short')) || endsWithLine(bytes)).toBe(
        true,
      );
      // A file of one line is a file, whose run has no line to be found by.
    } else expect({ ...said(run), where: '' }).toEqual(same && { ...said(same), where: '' });
  }
}

/** A file that was cut between two lines is a file with fewer lines. */
function endsWithLine(bytes: Buffer): boolean {
  return bytes.at(-1) === 10 || bytes.at(-1) === 125;
}

function expectPlain(text: string): void {
  let runs: readonly FoundRun[];
  try {
    ({ runs } = read(text));
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(AssayError);
    return;
  }
  for (const { rows, startedAtMs, endedAtMs } of runs) {
    for (const row of rows) {
      expect(Number.isFinite(row.tsMs)).toBe(true);
      for (const tokens of [row.inputTokens, row.outputTokens])
        expect(tokens === null || tokens === (tokens | 0)).toBe(true);
      for (const time of [row.ttftMs, row.tpotMs, row.itlMs, row.e2elMs]) expect(time === null || time >= 0).toBe(true);
    }
    for (const moment of [startedAtMs, endedAtMs])
      expect(moment === null || !Number.isNaN(new Date(moment).getTime())).toBe(true);
  }
}
