import { existsSync } from 'node:fs';
import { defineCommand } from 'citty';
import type { ArgsDef } from 'citty';
import { listLive } from '../evidence/store/live-runs.ts';
import { reapDeadRuns } from '../session/reap.ts';
import type { Reaped } from '../session/reap.ts';
import { readOptions } from './arguments.ts';
import { artifactsOf, BY_DEFAULT } from './artifacts.ts';
import { EXIT } from './exit.ts';
import { withProgress } from './progress.ts';
import { onScreen, runDocument } from './stored-runs.ts';

const reapOptions = {
  folder: { type: 'positional', required: false, description: `artifact directory ${BY_DEFAULT}` },
  json: { type: 'boolean', description: 'print one JSON document' },
} as const satisfies ArgsDef;

/** `assay reap [folder]`: ends what dead sessions left running, and gives their runs a truthful end. */
export const reap = defineCommand({
  meta: {
    name: 'reap',
    description: 'End the processes, containers and Slurm jobs that dead sessions of this machine left on any node.',
  },
  args: reapOptions,
  async run({ rawArgs }) {
    const options = readOptions(rawArgs, reapOptions);
    const { folder: artifacts, advice } = await artifactsOf(options);
    const reaped = await withProgress('looking for what dead sessions left', () => reapDeadRuns(artifacts));
    const done = new Set(reaped.map(({ runId }) => runId));
    const live = listLive(artifacts).filter(({ run_id: runId }) => !done.has(runId));
    if (options.has('json')) {
      const document = {
        reaped: reaped.map(({ runId, folder, status, ended, unconfirmed }) => ({
          ...runDocument(folder),
          run_id: runId,
          status,
          ended,
          unconfirmed,
        })),
        running: live.map(({ run_id, folder, holder }) => ({ ...runDocument(folder), run_id, holder })),
      };
      process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
    } else {
      const isThere = existsSync(artifacts);
      process.stdout.write(describe(reaped, live.length, isThere ? null : advice));
    }
    const isClean = reaped.every(({ unconfirmed }) => unconfirmed.length === 0);
    process.exitCode = isClean ? EXIT.ok : EXIT.failed;
  },
});

/** What `assay reap --help` shows below the options. */
export const reapExamples = `  assay reap                  what sessions under runs/ left, by run label
  assay reap /shared/runs     another artifact directory
  assay reap --json | jq '.reaped[] | select(.unconfirmed != [])'
`;

function describe(reaped: readonly Reaped[], live: number, advice: string | null): string {
  const lines = reaped.flatMap(({ folder, status, ended, unconfirmed }) => [
    ` ○ ${onScreen(folder)}  ${status ?? 'never began'}, ${countOf(ended)} ended`,
    ...unconfirmed.map((reason) => `   ✗ ${reason}\n     next: make it reachable, then run assay reap again`),
  ]);
  const runs = `${reaped.length} dead ${reaped.length === 1 ? 'run' : 'runs'}`;
  const count = `${runs}, ${live} still running${advice === null ? '' : ` - ${advice}`}`;
  return `${[...lines, count].join('\n')}\n`;
}

function countOf(ended: number | null): string {
  return ended === null ? 'nobody knows how many processes' : `${ended} ${ended === 1 ? 'process' : 'processes'}`;
}
