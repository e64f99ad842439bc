#!/usr/bin/env node
import { AssayError } from '../../core/errors.ts';
import { parseServerArgv, serverUsage } from './server-argv.ts';
import { startServer } from './server-process.ts';

const signalExitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

function log(line: string): void {
  process.stderr.write(`assay-llama-cpp: ${line}\n`);
}

function fail(error: unknown): void {
  if (error instanceof AssayError) {
    log(`error: ${error.message}${error.hint === undefined ? '' : ` - ${error.hint}`}`);
    process.exit(error.code === 'USAGE' ? 2 : 1);
  }
  log(`this is a bug: ${error instanceof Error ? error.stack : String(error)}`);
  process.exit(1);
}

async function main(): Promise<void> {
  // Who reads the lines may go away before the server does.
  process.stderr.on('error', () => undefined);
  const command = parseServerArgv(process.argv.slice(2));
  if (command.kind === 'help') {
    process.stdout.write(serverUsage);
    return;
  }
  const starting = startServer(command.settings, log);
  let isDraining = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (isDraining) {
        process.exit(signalExitCodes[signal]);
      }
      isDraining = true;
      log(`${signal}: draining`);
      starting.then((server) => server.drain()).then(() => process.exit(0), fail);
    });
  }
  await (
    await starting
  ).ready;
}

main().catch(fail);
