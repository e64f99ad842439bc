import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readArtifact, readJsonArtifact } from '../../../src/lifecycle/artifact.ts';

const folder = mkdtempSync(join(tmpdir(), 'artifact-'));
const path = join(folder, 'results.json');

const read = (content: string): Promise<unknown> => {
  writeFileSync(path, content);
  return readJsonArtifact(path, z.unknown());
};

const failing = (message: string | RegExp, evidence: readonly unknown[]): object => ({
  category: 'parse_failure',
  message: typeof message === 'string' ? message : expect.stringMatching(message),
  evidence,
});

describe('readArtifact', () => {
  it('answers the text as it is', async () => {
    writeFileSync(path, ' throughput: 41\n');
    expect(await readArtifact(path)).toBe(' throughput: 41\n');
  });

  it('says what lies where a file is missing', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'artifact-'));
    const next = 'is missing - the log of the framework says why';
    await expect(readArtifact(join(empty, 'a.json'))).rejects.toMatchObject(
      failing(`${empty}/a.json ${next}`, [`${empty} holds nothing`]),
    );
    writeFileSync(join(empty, 'b.json'), '');
    await expect(readArtifact(join(empty, 'a.json'))).rejects.toMatchObject(
      failing(`${empty}/a.json ${next}`, [`${empty} holds b.json`]),
    );
    await expect(readArtifact(join(empty, 'out', 'a.json'))).rejects.toMatchObject(
      failing(`${empty}/out/a.json ${next}`, [`${empty}/out is missing, too`]),
    );
  });

  it('takes blanks for nothing, and a folder for no file', async () => {
    writeFileSync(path, ' \n');
    await expect(readArtifact(path)).rejects.toMatchObject(failing(/results\.json is empty \(2 bytes\)/, []));
    mkdirSync(join(folder, 'folder'));
    await expect(readArtifact(join(folder, 'folder'))).rejects.toMatchObject(failing(/cannot be read: EISDIR/, []));
  });
});

describe('readJsonArtifact', () => {
  it('answers what was written', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), async (text) => {
        expect(await read(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('calls every beginning of an object or a list cut short, and shows its end', async () => {
    const whole = fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue()));
    await fc.assert(
      fc.asyncProperty(whole, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), async (value, share) => {
        const text = JSON.stringify(value);
        const part = text.slice(0, 1 + Math.floor(share * (text.length - 1)));
        await expect(read(part)).rejects.toMatchObject(
          failing(/is cut short: its JSON ends in the middle, after \d+ bytes/, [
            expect.stringMatching(/^\.\.\. [{["\w]?/),
          ]),
        );
      }),
    );
  });

  it.each(['<html>502</html>', '[INFO] done', '{"a": 1} {"a": 2}', '{"loss": NaN}', '{a: 1}'])(
    'says that %s is no JSON, and shows it',
    async (text) => {
      await expect(read(text)).rejects.toMatchObject(
        failing(new RegExp(`results\\.json \\(${text.length} bytes\\) is no JSON: `), [text]),
      );
    },
  );

  it('shows no more than a snippet', async () => {
    const long = `<${'x'.repeat(10_000)}`;
    await expect(read(long)).rejects.toMatchObject({ evidence: [long.slice(0, 200)] });
    const cut = `["${'y'.repeat(10_000)}`;
    await expect(read(cut)).rejects.toMatchObject({ evidence: [`... ${cut.slice(-200)}`] });
  });

  it('says which field is not what it reads', async () => {
    writeFileSync(path, '{"mean": {"ttft": "12"}}');
    await expect(readJsonArtifact(path, z.object({ mean: z.object({ ttft: z.number() }) }))).rejects.toMatchObject(
      failing(/\(24 bytes\) is not what this version reads: mean\.ttft: /, ['{"mean": {"ttft": "12"}}']),
    );
  });
});
