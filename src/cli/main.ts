#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { defineCommand, renderUsage, runCommand } from 'citty';
import type { CommandDef } from 'citty';
import { AssayError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { EXIT } from './exit.ts';
import { describeKnown, knownErrorIn } from './known-error.ts';
import { plan, planExamples } from './plan.ts';
import { reap, reapExamples } from './reap.ts';
import { run, runExamples } from './run.ts';
import { schema, schemaExamples } from './schema.ts';
import { verify, verifyExamples } from './verify.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};

const subCommands = { plan, run, reap, schema, verify };
const examples: Readonly<Record<string, string>> = {
  plan: planExamples,
  run: runExamples,
  reap: reapExamples,
  schema: schemaExamples,
  verify: verifyExamples,
};
const main = defineCommand({
  meta: { name: 'assay', description: 'Benchmark configs as a matrix of tests: the command beside the Vitest plugin.' },
  subCommands,
});

async function start(argv: readonly string[]): Promise<void> {
  if (argv[0] === '--version') {
    process.stdout.write(`${version}\n`);
    return;
  }
  const [name = ''] = argv;
  if (name !== '' && !name.startsWith('-') && !Object.hasOwn(subCommands, name)) throw unknownCommand(name);
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
  const meant = nearest(typed, Object.keys(subCommands));
  return new AssayError('USAGE', `Unknown command ${typed} - see assay --help`, {
    hint: meant === null ? `there are ${Object.keys(subCommands).join(', ')}` : `did you mean assay ${meant}?`,
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
  const named = Object.entries(subCommands).find(([known]) => known === name)?.[1];
  if (named === undefined) return renderUsage(main);
  return `${await renderUsage(named as unknown as CommandDef, main)}\nEXAMPLES\n\n${examples[name] ?? ''}`;
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
