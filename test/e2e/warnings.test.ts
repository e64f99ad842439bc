import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runsOf } from './live-session.ts';
import { NODE, ONE_CELL, Project } from './project.ts';
import { TOOLCHAIN } from './toolchain.ts';

const WARNING = 'update_slots: could not find a KV slot for the batch';

/** Our server under the name of the upstream one; it prints what the catalogue warns of. */
const TALKATIVE_SERVER = `#!/bin/sh
for line in 1 2 3; do echo '${WARNING}'; done
for word; do shift; [ "$word" = --metrics ] || set -- "$@" "$word"; done
exec '${NODE}' '${join(TOOLCHAIN.assay, 'dist/adapters/llama-cpp/server-main.js')}' "$@"
`;

const CONFIG = ONE_CELL.replace('node-llama-cpp', 'llama-server').replace(
  'num_warmups',
  'parallel_slots: 1, num_warmups',
);

it('a log line that the catalogue warns of is an event, an annotation of one claim and a note at the end, and fails nothing', async () => {
  const bin = mkdtempSync(join(tmpdir(), 'assay-bin-'));
  writeFileSync(join(bin, 'llama-server'), TALKATIVE_SERVER, { mode: 0o755 });
  const project = new Project({ 'configs/quick.yaml': CONFIG }, { PATH: `${bin}:${process.env['PATH']}` });
  const { all, exitCode } = await project.vitest('run', '--reporter=verbose', '--tags-filter', 'tier_1');
  expect(exitCode).toBe(0);
  const said = 'kv_cache_full in server.localhost, 3 times - fewer parallel slots, or a larger context';
  expect(all.split(said)).toHaveLength(2);
  expect(all).toMatch(/✓ .*log_clean\[.*\n\s+❯ .*assay-warning/);
  expect(all).toContain(
    ' ! balanced-conc2   kv_cache_full in server.localhost x3\n   fewer parallel slots, or a larger context\n',
  );
  expect(runsOf(project)).toMatchObject([
    { manifest: { status: 'passed', warnings: [{ pattern_id: 'kv_cache_full', line: WARNING, count: 3 }] } },
  ]);
});
