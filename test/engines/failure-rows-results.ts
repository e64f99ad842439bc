import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { z } from 'zod';
import type { ParseContext } from '../../src/lifecycle/adapter.ts';
import { readJsonArtifact } from '../../src/lifecycle/artifact.ts';
import type { Row } from './failure-bench.ts';
import { untilServerDies } from './failure-scripted.ts';

/** Failures of what a run leaves, and behind all others; they need nothing but this machine. */
export const resultRows: readonly Row[] = [
  ...artifactRows(),
  {
    name: 'a threshold is missed',
    inject: () => ({ ttftMs: 60 }),
    expected: {
      status: 'failed_verification',
      failure: {
        category: 'verification_failure',
        originated_in_phase: 'verify',
        message: expect.stringMatching(/^ttft_ms p99 is 60 ms, must be <= 50 ms/),
      },
      until: 'verify',
    },
    also: ({ events }) =>
      expect(events.filter(({ event }) => event === 'verify.failed')).toMatchObject([{ actual: 60, expected: 50 }]),
  },
  {
    name: 'a threshold is missed where nothing is enforced',
    config: { enforce: 'false' },
    inject: () => ({ ttftMs: 60 }),
    expected: { status: 'recorded', failure: null, until: 'verify' },
    also: ({ manifest }) => expect(manifest.verdicts).toMatchObject([{ passed: false, actual: 60 }]),
  },
  {
    name: 'the teardown fails, too',
    inject: () => ({
      program: 'echo up; sleep 0.2; exit 7',
      status: untilServerDies,
      teardown: () => Promise.reject(new Error('the router does not let go')),
    }),
    expected: {
      status: 'failed_safety',
      failure: {
        category: 'safety_violation',
        originated_in_phase: 'await',
        message: 'server_alive: server on localhost ended with code 7 under load',
      },
      until: 'await',
      teardown: { error: 'the router does not let go' },
    },
    also: ({ manifest }) => expect(manifest.phases.teardown?.status).toBe('failed'),
  },
];

function artifactRows(): readonly Row[] {
  const shape = z.object({ throughput: z.number() });
  const contents: readonly (readonly [name: string, content: string | null, message: RegExp, evidence: string[]])[] = [
    [
      'missing',
      null,
      /results\.json is missing - the log of the framework says why$/,
      [expect.stringContaining('logs')],
    ],
    ['empty', '', /results\.json is empty \(0 bytes\)/, []],
    ['cut short', '{"throughput": 41', /results\.json is cut short: .* after 17 bytes/, ['... {"throughput": 41']],
    ['no JSON', '<html>502</html>', /results\.json \(16 bytes\) is no JSON: /, ['<html>502</html>']],
    [
      'of another shape',
      '{"tput": 41}',
      /results\.json \(12 bytes\) is not what this version reads: throughput: /,
      ['{"tput": 41}'],
    ],
  ];
  return contents.map(([name, content, message, evidence]) => ({
    name: `its results are ${name}`,
    inject: () => ({
      parse: async ({ folder }: ParseContext) => {
        const path = join(folder, 'results.json');
        if (content !== null) writeFileSync(path, content);
        const { throughput } = await readJsonArtifact(path, shape);
        throw new Error(`read ${throughput}`);
      },
    }),
    expected: {
      status: 'failed_parse',
      failure: {
        category: 'parse_failure',
        originated_in_phase: 'parse',
        message: expect.stringMatching(message),
        evidence,
      },
      until: 'parse',
    },
  }));
}
