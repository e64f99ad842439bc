import { AssayError } from '../core/errors.ts';
import type { Executor, Labelled } from './executor.ts';
import { describeExit, isSuccess } from './exit.ts';
import { PROCESS_FUNCTIONS } from './remote-script.ts';
import { RUN_LABEL } from './run-label.ts';

// The label stands in the arguments of the search, which reads environments: it never finds itself.
const FIND_SCRIPT = `
[ -r /proc/self/environ ] || exit 3
if printf 'a\\0b\\0' | grep -qzxF a 2>/dev/null
then grep -lszxF -e "$1" /proc/[0-9]*/environ
else
  for file in /proc/[0-9]*/environ; do
    tr '\\0' '\\n' <"$file" 2>/dev/null | grep -qxF -e "$1" && echo "$file"
  done
fi 2>/dev/null | while IFS=/ read -r _ _ pid _; do
  stat=$(cat "/proc/$pid/stat" 2>/dev/null) && set -- \${stat##*) } && echo "$pid $4"
done
exit 0`;

const END_SCRIPT = `${PROCESS_FUNCTIONS}
kill -KILL "$@" 2>/dev/null
for pid do gone 50 "$pid" || exit; done`;

/** The processes of a host that carry a run's label; null where it does not show environments. */
export async function findProcesses(
  { host, run }: Pick<Executor, 'host' | 'run'>,
  runId: string,
): Promise<readonly Labelled[] | null> {
  const label = `${RUN_LABEL}=${runId}`;
  const { exit, stdout } = await run({ file: '/bin/sh', args: ['-c', FIND_SCRIPT, 'sh', label] });
  if (exit.kind === 'exited' && exit.code === 3) return null;
  if (!isSuccess(exit)) {
    const reason = exit.kind === 'lost' ? exit.reason : `the search ${describeExit(exit)}`;
    throw new AssayError('SETUP_FAILED', `${host} cannot be searched for what run ${runId} left: ${reason}`, {
      hint: 'when the host can be reached again, run: assay reap',
    });
  }
  return [...stdout.matchAll(/^(\d+) (\d+)$/gm)].map(([, pid, session]) => ({
    kind: 'process',
    pid: Number(pid),
    session: Number(session),
  }));
}

/** Kills processes of a host. Rejects with SETUP_FAILED when one of them may still run. */
export async function endProcesses(
  { host, run }: Pick<Executor, 'host' | 'run'>,
  found: readonly Labelled[],
): Promise<void> {
  const pids = found.flatMap((item) => (item.kind === 'process' ? [String(item.pid)] : []));
  if (pids.length === 0) return;
  const { exit } = await run({ file: '/bin/sh', args: ['-c', END_SCRIPT, 'sh', ...pids] });
  if (isSuccess(exit)) return;
  const reason = exit.kind === 'lost' ? exit.reason : 'they do not end';
  throw new AssayError('SETUP_FAILED', `processes ${pids.join(', ')} on ${host} may still run: ${reason}`, {
    hint: 'when the host can be reached again, run: assay reap',
  });
}
