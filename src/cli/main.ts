#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { defineCommand, renderUsage, runCommand } from 'citty';
import type { CommandDef } from 'citty';
import { AssayError, withoutStack } from '../core/errors.ts';
import { EXIT } from './exit.ts';
import { verify } from './verify.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};

const EXAMPLES = `EXAMPLES

  assay verify --evidence                 check every stored run under runs/
  assay verify --evidence runs/my_test    only those of one config
  assay verify --evidence --json | jq '.runs[] | select(.problem)'
`;

const subCommands = { verify };
const main = defineCommand({
  meta: { name: 'assay', description: 'Benchmark configs as a matrix of tests: the command beside the Vitest plugin.' },
  subCommands,
});

async function run(argv: readonly string[]): Promise<void> {
  if (argv[0] === '--version') {
    process.stdout.write(`${version}\n`);
    return;
  }
  const wantsHelp = argv.includes('--help') || argv.includes('-h');
  if (argv.length === 0 || wantsHelp) {
    const named = Object.entries(subCommands).find(([name]) => name === argv[0])?.[1];
    const usage = await (named === undefined ? renderUsage(main) : renderUsage(named as unknown as CommandDef, main));
    process.stdout.write(`${usage}\n\n${EXAMPLES}`);
    process.exitCode = wantsHelp ? EXIT.ok : EXIT.usage;
    return;
  }
  await runCommand(main, { rawArgs: [...argv] });
}

run(process.argv.slice(2)).catch((thrown: unknown) => {
  process.exitCode = EXIT.usage;
  if (thrown instanceof AssayError) process.stderr.write(`${String((withoutStack(thrown) as Error).stack)}\n`);
  // citty's own errors are about usage; they need no stack either.
  else if (thrown instanceof Error && thrown.name === 'CLIError')
    process.stderr.write(`${thrown.message} - see assay --help\n`);
  else throw thrown;
});
