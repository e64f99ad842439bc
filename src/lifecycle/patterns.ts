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

/** One entry of the catalogue of log lines that mean something. */
export type Pattern = z.output<typeof patternSchema>;

/** The catalogue that runs are judged by. */
export const patternCatalogue: readonly Pattern[] = z
  .array(patternSchema)
  // One level up and down again: the same file serves src/ and dist/.
  .parse(load(readFileSync(new URL('../../src/lifecycle/patterns.yaml', import.meta.url), 'utf8')));

const framework = patternCatalogue
  .filter(({ source }) => source === 'framework_log')
  .map((entry) => ({ entry, expression: new RegExp(entry.pattern) }));

/** The first catalogue entry that a line of framework output matches. */
export function matchFrameworkLine(line: string): Pattern | null {
  return framework.find(({ expression }) => expression.test(line))?.entry ?? null;
}
