import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { z } from 'zod';

const patternSchema = z.strictObject({
  id: z.string(),
  source: z.enum(['dmesg', 'framework_log']),
  pattern: z.string(),
  category: z.string(),
  severity: z.enum(['fatal', 'warn']),
  hint: z.string(),
});

const entrySchema = patternSchema.extend({
  /** Lines that it is for. */
  hits: z.array(z.string()).min(1),
  /** Lines that look alike and mean nothing fatal. */
  misses: z.array(z.string()).min(1),
});

/** One entry of the catalogue of log lines that mean something. */
export type Pattern = z.output<typeof patternSchema>;

/** An entry as it is written down, with the lines that prove it. */
export type PatternEntry = z.output<typeof entrySchema>;

/** The catalogue as it is written down. */
export const patternEntries: readonly PatternEntry[] = z
  .array(entrySchema)
  // One level up and down again: the same file serves src/ and dist/.
  .parse(load(readFileSync(new URL('../../src/lifecycle/patterns.yaml', import.meta.url), 'utf8')));

/** The catalogue that runs are judged by: another example line changes no verdict, so there are none in it. */
export const patternCatalogue: readonly Pattern[] = patternEntries.map(
  ({ id, source, pattern, category, severity, hint }) => ({ id, source, pattern, category, severity, hint }),
);

const framework = matcherOf('framework_log');
const kernel = matcherOf('dmesg');

/** The first catalogue entry that a line of framework output matches; the line may hold colours and progress bars. */
export function matchFrameworkLine(line: string): Pattern | null {
  return framework(line);
}

/** The first catalogue entry that a line of a kernel log matches, in whatever form dmesg prints it. */
export function matchKernelLine(line: string): Pattern | null {
  return kernel(line);
}

function matcherOf(source: Pattern['source']): (line: string) => Pattern | null {
  const entries = patternCatalogue
    .filter((entry) => entry.source === source)
    .map((entry) => ({ entry, expression: new RegExp(entry.pattern) }));
  return (line) => {
    const text = plain(line);
    return entries.find(({ expression }) => expression.test(text))?.entry ?? null;
  };
}

// Colours may stand inside a message. A carriage return stands between it and a progress bar, and
// ends a line for a regular expression.
const ESCAPES = new RegExp(String.raw`\u001B(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001B]*(?:\u0007|\u001B\\)?)`, 'g');

function plain(line: string): string {
  return line.replaceAll(ESCAPES, '').replaceAll('\r', ' ');
}
