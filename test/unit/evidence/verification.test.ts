import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scrubberOf } from '../../../src/core/scrubber.ts';
import { SecretValue } from '../../../src/core/secret.ts';
import { readVerification, withVerification, writeVerification } from '../../../src/evidence/verification.ts';
import type { Verification } from '../../../src/evidence/verification.ts';
import { temporaryFolder } from './rows.ts';

function judgement(given: Partial<Verification> = {}): Verification {
  return {
    verification_hash: `sha256:${'a'.repeat(64)}`,
    verified_at: '2026-01-01T00:00:00.000Z',
    tool: { name: 'vitest-assay', version: '1' },
    enforce: true,
    status: 'passed',
    failure: null,
    patterns: null,
    thresholds: [],
    verdicts: [],
    ...given,
  };
}

const hashed = (digit: string): string => `sha256:${digit.repeat(64)}`;

describe('a verification', () => {
  it('is read as it was written, from the file that the history names', () => {
    const folder = temporaryFolder();
    const written = judgement({ thresholds: [{ threshold: { kind: 'Rate', min_rate: 1 }, source: 'a.yaml:3' }] });
    writeVerification(folder, written);
    const [entry] = withVerification([], written);
    expect(entry?.file).toBe(`verifications/${'a'.repeat(64)}.json`);
    expect(readVerification(folder, entry!)).toEqual(written);
  });

  it('holds no secret, and keeps its closed words', () => {
    const folder = temporaryFolder();
    const scrubber = scrubberOf([new SecretValue('token', 'verification_failure'), new SecretValue('key', 's3cret')]);
    const failure = {
      category: 'verification_failure',
      originated_in_phase: 'verify',
      message: 'is s3cret',
      evidence: ['s3cret'],
    } as const;
    const thresholds = [{ threshold: { metric: 's3cret_ms' }, source: 's3cret.yaml:1' }];
    const given = judgement({ failure: { ...failure, evidence: ['s3cret'] }, thresholds });
    const written = writeVerification(folder, given, { scrubber });
    expect(written.failure?.category).toBe('verification_failure');
    const [entry] = withVerification([], written);
    expect(readFileSync(join(folder, entry!.file), 'utf8')).not.toContain('s3cret');
    expect(readVerification(folder, entry!)).toEqual(written);
  });

  it('leaves the one before in its place while it is a draft', () => {
    const folder = temporaryFolder();
    const [entry] = withVerification([], writeVerification(folder, judgement()));
    writeVerification(folder, judgement({ status: 'recorded' }), { isDraft: true });
    expect(readVerification(folder, entry!).status).toBe('passed');
    expect(readdirSync(join(folder, 'verifications'))).toHaveLength(2);
  });

  it('that is damaged is told with its place', () => {
    const folder = temporaryFolder();
    const [entry] = withVerification([], writeVerification(folder, judgement()));
    const path = join(folder, entry!.file);
    const text = readFileSync(path, 'utf8');
    for (const damaged of ['', text.slice(0, -3), text.replace('"passed"', '"fine"'), 'null']) {
      writeFileSync(path, damaged);
      expect(() => readVerification(folder, entry!)).toThrow(expect.objectContaining({ code: 'EVIDENCE_DAMAGED' }));
      expect(() => readVerification(folder, entry!)).toThrow(path);
    }
    expect(() => readVerification(join(folder, 'x'), entry!)).toThrow(
      expect.objectContaining({ code: 'EVIDENCE_MISSING' }),
    );
  });

  it('moves to the end of a history when it is made again', () => {
    const made = ['1', '2', '3', '1'].map((digit, at) =>
      judgement({ verification_hash: hashed(digit), verified_at: `2026-01-0${at + 1}T00:00:00.000Z` }),
    );
    const history = made.reduce(withVerification, []);
    expect(history.map((entry) => [entry.verification_hash, entry.verified_at.slice(0, 10)])).toEqual([
      [hashed('2'), '2026-01-02'],
      [hashed('3'), '2026-01-03'],
      [hashed('1'), '2026-01-04'],
    ]);
  });
});
