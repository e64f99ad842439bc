#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { defineCommand, renderUsage, runCommand } from 'citty';
import type { CommandDef } from 'citty';
import { AssayError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { EXIT } from './exit.ts';
import { describeKnown, knownErrorIn } from './known-error.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};

interface Command {
  readonly command: unknown;
  /** What its --help shows below the options. */
  readonly examples: string;
}

// Loaded when it is the one that is asked for: DuckDB and Vitest take their time.
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  plan: () => import('./plan.ts').then(({ plan, planExamples }) => ({ command: plan, examples: planExamples })),
  run: () => import('./run.ts').then(({ run, runExamples }) => ({ command: run, examples: runExamples })),
  verify: () =>
    import('./verify.ts').then(({ verify, verifyExamples }) => ({ command: verify, examples: verifyExamples })),
  reparse: () =>
    import('./reparse.ts').then(({ reparse, reparseExamples }) => ({ command: reparse, examples: reparseExamples })),
  export: () =>
    import('./export.ts').then((module) => ({ command: module.exportCommand, examples: module.exportExamples })),
  query: () => import('./query.ts').then(({ query, queryExamples }) => ({ command: query, examples: queryExamples })),
  import: () =>
    import('./import.ts').then((module) => ({ command: module.importFiles, examples: module.importExamples })),
  'migrate-config': () =>
    import('./migrate-config.ts').then((module) => ({
      command: module.migrateConfig,
      examples: module.migrateConfigExamples,
    })),
  gc: () => import('./gc.ts').then(({ gc, gcExamples }) => ({ command: gc, examples: gcExamples })),
  reap: () => import('./reap.ts').then(({ reap, reapExamples }) => ({ command: reap, examples: reapExamples })),
  schema: () =>
    import('./schema.ts').then(({ schema, schemaExamples }) => ({ command: schema, examples: schemaExamples })),
};
const main = defineCommand({
  meta: { name: 'assay', description: 'Benchmark configs as a matrix of tests: the command beside the Vitest plugin.' },
  subCommands: Object.fromEntries(Object.entries(commands).map(([name, load]) => [name, () => commandOf(load)])),
});

async function commandOf(load: () => Promise<Command>): Promise<CommandDef> {
  return (await load()).command as CommandDef;
}

async function start(argv: readonly string[]): Promise<void> {
  if (argv[0] === '--version') {
    process.stdout.write(`${version}\n`);
    return;
  }
  const [name = ''] = argv;
  if (name !== '' && !name.startsWith('-') && !Object.hasOwn(commands, name)) throw unknownCommand(name);
  const wantsHelp = wordsOf(argv).some((word) => word === '--help' || word === '-h');
  if (argv.length === 0 || wantsHelp) {
    const usage = await usageOf(name);
    process.stdout.write(`${isColourful() ? usage : stripVTControlCharacters(usage)}\n`);
    process.exitCode = wantsHelp ? EXIT.ok : EXIT.usage;
    return;
  }
  await runCommand(main, { rawArgs: [...argv] });
}

function unknownCommand(typed: string): AssayError {
  const meant = nearest(typed, Object.keys(commands));
  return new AssayError('USAGE', `Unknown command ${typed} - see assay --help`, {
    hint: meant === null ? `there are ${Object.keys(commands).join(', ')}` : `did you mean assay ${meant}?`,
  });
}

// citty looks at neither the terminal nor every value of NO_COLOR.
function isColourful(): boolean {
  return process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
}

/** What of a command line is ours: the rest is for Vitest. */
function wordsOf(argv: readonly string[]): readonly string[] {
  return argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
}

async function usageOf(name: string): Promise<string> {
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (load === undefined) return renderUsage(main);
  const { command, examples } = await load();
  return `${await renderUsage(command as CommandDef, main)}\nEXAMPLES\n\n${examples}`;
}

// `assay plan | head` has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

start(process.argv.slice(2)).catch((thrown: unknown) => {
  process.exitCode = EXIT.usage;
  const known = knownErrorIn(thrown);
  if (known !== null) process.stderr.write(`${describeKnown(known)}\n`);
  // citty's own errors are about usage; they need no stack either.
  else if (thrown instanceof Error && thrown.name === 'CLIError')
    process.stderr.write(`${thrown.message} - see assay --help\n`);
  else throw thrown;
});
