import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { defineCommand } from 'citty';
import type { ArgsDef } from 'citty';
import { LISTENING, PARENT_CHANNEL } from '../core/parent-channel.ts';
import type { ParentSignal, StopSignal } from '../core/parent-channel.ts';
import { typedByUser } from '../session/invoker.ts';
import { toEnvironment } from '../session/environment.ts';
import { readOptions } from './arguments.ts';
import { planSessionOf } from './plan-session.ts';
import { claimFilters, filtersForVitest, sessionOptions, typedOptions } from './session-options.ts';
import type { ClaimFilters } from './session-options.ts';
import { ownConfig, vitestScript } from './user-vitest.ts';

const runOptions = {
  ...sessionOptions,
  reuse: {
    type: 'string',
    valueHint: 'off|prefer|only',
    description: 'stored runs of the same workload instead of launches: prefer launches what has none, only skips it',
  },
} as const satisfies ArgsDef;

/** `assay run`: the user's own `vitest run`, after a plan has shown that there is something to run. */
export const run = defineCommand({
  meta: { name: 'run', description: 'Run cells and judge them: `vitest run`. What follows -- goes to Vitest.' },
  args: runOptions,
  async run({ rawArgs }) {
    const end = rawArgs.includes('--') ? rawArgs.indexOf('--') : rawArgs.length;
    const [own, forVitest] = [rawArgs.slice(0, end), rawArgs.slice(end + 1)];
    const options = readOptions(own, runOptions, behindDashes);
    // Planning starts a Vitest in this process, which sets variables of its own.
    const env = { ...process.env, ...toEnvironment(typedOptions(options)) };
    const config = forVitest.some(choosesConfig) ? null : (await planSessionOf(options)).config;
    const args = [
      ...filterArguments(claimFilters(options)),
      ...(config === null ? [] : Object.entries(ownConfig(config)).map(([name, value]) => `--${name}=${value}`)),
      ...forVitest,
    ];
    await runVitest(args, env);
  },
});

function behindDashes(typed: string): string {
  return `Vitest's own options go behind --: assay run ... -- ${typed}`;
}

/** What `assay run --help` shows below the options. */
export const runExamples = `  assay run                                   everything that can run here
  assay run --only-cells 'balanced-*'         some cells
  assay run -t 'tier_5 conc16'                some claims, and only the cells they need
  assay run --set params.num_prompts=100      a smaller load, as another workload
  assay run --reuse prefer                    launch only what no stored run stands for
  assay run --reuse only                      launch nothing: judge stored runs by today's thresholds
  assay run -- --reporter=json                Vitest's own options
`;

// Whoever names another config or root knows what is planned there.
function choosesConfig(argument: string): boolean {
  return /^(?:-c|--config|-r|--root)(?:=|$)/.test(argument);
}

function filterArguments(filters: ClaimFilters): readonly string[] {
  const { testNamePattern, tagsFilter = [] } = filtersForVitest(filters);
  return [
    ...(testNamePattern === undefined ? [] : [`--testNamePattern=${testNamePattern}`]),
    ...tagsFilter.map((expression) => `--tagsFilter=${expression}`),
  ];
}

/**
 * Runs Vitest in the foreground and ends as it ends. It holds the other end of an IPC channel: should this
 * process be killed, however hard, Vitest stops what it runs.
 */
async function runVitest(args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const vitest = spawn(process.execPath, [vitestScript(process.cwd()), 'run', ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...env, ...typedByUser(process.argv), [PARENT_CHANNEL]: '1' },
  });
  let isListening = false;
  vitest.on('message', (message) => {
    if (message === LISTENING) isListening = true;
  });
  const forward = (signal: StopSignal): void => {
    // A terminal interrupts both; on the channel Vitest can tell one Ctrl-C from two.
    if (isListening) vitest.send({ signal } satisfies ParentSignal, () => undefined);
    else vitest.kill(signal);
  };
  process.on('SIGTERM', forward);
  process.on('SIGINT', forward);
  const [code, signal] = (await once(vitest, 'exit')) as [number | null, NodeJS.Signals | null];
  process.off('SIGTERM', forward);
  process.off('SIGINT', forward);
  if (signal === null) process.exitCode = code ?? 1;
  else process.kill(process.pid, signal);
}
