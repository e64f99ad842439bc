import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Vitest } from 'vitest/node';
import { appendStepSummary, stepSummary } from '../../../../src/vitest/report/step-summary.ts';
import { failedClaim, manifest, summary, verdict } from './summary/plain-summary.ts';

const failure = {
  category: 'setup_failure',
  originated_in_phase: 'launch',
  message: 'exit | code 1\nbefore <ready>',
  evidence: [],
} as const;

describe('stepSummary', () => {
  it('is a table of the cells, those that failed first, and each cause of failure once', () => {
    const missed = verdict({
      passed: false,
      margin: -10,
      actual: 60,
      detail: 'ttft_ms p99 is 60 ms, must be <= 50 ms',
    });
    const text = stepSummary(
      summary({
        runs: [
          {
            manifest: manifest({ verdicts: [verdict({ benchmark: 'itl_p99', margin: 1 }), verdict()] }),
            folder: 'runs/1',
          },
          {
            manifest: manifest({ cell_id: 'conc2', status: 'failed_verification', verdicts: [missed] }),
            folder: 'runs/2',
          },
          {
            manifest: manifest({ cell_id: 'conc4', status: 'failed_setup', failure: { ...failure, evidence: [] } }),
            folder: 'runs/4',
          },
        ],
        skipped: [{ testId: 'demo', cellId: 'big', reason: 'insufficient_nodes (need 4, have 1)' }],
        claims: {
          passed: 12,
          failed: [
            failedClaim({ cellId: 'conc2', name: 'ttft_p99', folder: 'runs/2', missed }),
            failedClaim({ message: 'expected `*a*` to be\n [b](c)' }),
            failedClaim({ cellId: 'conc4', folder: 'runs/4' }),
          ],
        },
      }),
    );
    expect(text).toMatchInlineSnapshot(`
      "### Assay: 12 claims passed, 3 failed

      3 launched · 0 reused · 1 skipped

      | Cell | Status | Tightest |
      | --- | --- | --- |
      | demo/conc2 | failed\\_verification | ttft\\_p99 60 &lt;= 50 ms, margin -10 |
      | demo/conc4 | failed\\_setup |  |
      | demo/conc1 | passed | itl\\_p99 20 &lt;= 50 ms, margin +1 |
      | demo/big | skipped | insufficient\\_nodes (need 4, have 1) |

      - **conc4** failed\\_setup in launch: exit \\| code 1 before &lt;ready>
      - **conc2** ttft\\_p99 missed: ttft\\_ms p99 is 60 ms, must be &lt;= 50 ms
      - **conc1** log\\_clean failed: expected \\\`\\*a\\*\\\` to be
      "
    `);
  });

  it('says of failed cells that no claim failed of them', () => {
    const runs = [
      { manifest: manifest({ status: 'failed_setup', failure: { ...failure, evidence: [] } }), folder: '1' },
    ];
    const said = '**No selected claim failed, but 1 cell did, which the exit code does not say.**';
    expect(stepSummary(summary({ runs, claims: { passed: 1, failed: [] } })).split('\n')).toContain(said);
  });

  it('cuts long lists with their number', () => {
    const runs = Array.from({ length: 500 }, (_, n) => ({
      manifest: manifest({ cell_id: `conc${n}` }),
      folder: `${n}`,
    }));
    const failed = Array.from({ length: 30 }, (_, n) => failedClaim({ name: `claim${n}` }));
    const lines = stepSummary(summary({ runs, claims: { passed: 0, failed } })).split('\n');
    expect(lines.filter((line) => line.startsWith('| demo'))).toHaveLength(100);
    expect(lines).toContain('… and 400 more cells');
    expect(lines.at(-2)).toBe('- … and in 10 more ways');
  });
});

describe('appendStepSummary', () => {
  const written = (reporters: readonly unknown[], env: Readonly<Record<string, string>>): string => {
    const path = join(mkdtempSync(join(tmpdir(), 'assay-step-')), 'summary.md');
    writeFileSync(path, 'before\n');
    const vitest = { config: { reporters } } as unknown as Vitest;
    appendStepSummary(vitest, summary(), { GITHUB_STEP_SUMMARY: path, ...env });
    return readFileSync(path, 'utf8');
  };

  it('adds to what the job has written, where GitHub or its reporter is there', () => {
    const expected = expect.stringMatching(/^before\n### Assay/);
    expect(written([['github-actions', {}]], {})).toEqual(expected);
    expect(written([['default', {}]], { GITHUB_ACTIONS: 'true' })).toEqual(expected);
  });

  it('leaves alone what is not its own', () => {
    expect(written([['default', {}]], {})).toBe('before\n');
    expect(written([['github-actions', {}]], { GITHUB_STEP_SUMMARY: '' })).toBe('before\n');
  });
});
