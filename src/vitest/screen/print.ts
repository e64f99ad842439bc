import type { Vitest } from 'vitest/node';

type Printer = Pick<Vitest, 'config' | 'logger' | 'version'>;

/** Reporters that write for machines, to stdout unless they were given a file. */
const MACHINE_REPORTERS: ReadonlySet<unknown> = new Set(['json', 'junit', 'tap', 'tap-flat']);
const HAVE_FILES: ReadonlySet<unknown> = new Set(['json', 'junit']);

/** Prints a line for people where it disturbs no reporter that machines read. */
export function printLine(vitest: Printer, line: string): void {
  if (isStdoutMachineRead(vitest)) vitest.logger.error(line);
  else vitest.logger.log(line);
}

/** Where people read: stderr when a machine reporter owns stdout. */
export function streamForPeople(vitest: Printer): NodeJS.WriteStream {
  const { outputStream, errorStream } = vitest.logger;
  return (isStdoutMachineRead(vitest) ? errorStream : outputStream) as NodeJS.WriteStream;
}

function isStdoutMachineRead({ version, config: { reporters, outputFile } }: Printer): boolean {
  return reporters.some((entry) => {
    if (!Array.isArray(entry)) return false;
    const [name, options] = entry as [string, { readonly outputFile?: string; readonly stdout?: boolean }?];
    if (!MACHINE_REPORTERS.has(name)) return false;
    if (!HAVE_FILES.has(name)) return true;
    if (options?.outputFile ?? fileOf(name, outputFile)) return false;
    // Since Vitest 5 they have a file unless they are told otherwise.
    return Number.parseInt(version, 10) < 5 || options?.stdout === true;
  });
}

function fileOf(reporter: string, outputFile: Printer['config']['outputFile']): string | undefined {
  if (typeof outputFile !== 'object') return outputFile;
  return new Map(Object.entries(outputFile)).get(reporter);
}
