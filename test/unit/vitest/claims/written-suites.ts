import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Cell } from '../../../../src/config/cell.ts';
import { planSession } from '../../../../src/session/plan.ts';
import type { PlannedCell } from '../../../../src/session/plan.ts';
import { frameworks } from '../../../../src/session/registry.ts';
import { asDeclared } from '../../../../src/vitest/claims/claim.ts';
import type { Claims } from '../../../../src/vitest/claims/claim.ts';
import { readSuite, suitesIn } from '../../../../src/vitest/claims/read-suite.ts';
import type { SuiteReading } from '../../../../src/vitest/claims/read-suite.ts';
import type { Suite } from '../../../../src/vitest/claims/suite.ts';
import { DEMO_CONFIG } from '../../demo-config.ts';
import { sessionOptions } from '../../session-options.ts';

/** A folder for suites in the working directory's place: problems name files from there. */
export function suitesFolder(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), 'assay-suites-')));
}

/** Writes a suite file and reads it; what its import gives is said, not run. */
export function readAs(
  folder: string,
  path: string,
  { text = 'export default claims({});\n', load }: { readonly text?: string; readonly load: () => Promise<unknown> },
): Promise<SuiteReading> {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return readSuite({ folder, file }, load);
}

/** A suite of these claims. */
export async function suite(folder: string, path: string, claims: Claims): Promise<Suite> {
  const names = Object.keys(claims).map((name) => `  ${name}: {},\n`);
  const text = `export default claims({\n${names.join('')}});\n`;
  const reading = await readAs(folder, path, { text, load: async () => ({ default: asDeclared(claims) }) });
  return suitesIn([reading])[0]!;
}

/** The cells of the demo config, with what a test says instead. */
export function demoCells(config = DEMO_CONFIG): readonly PlannedCell[] {
  const root = mkdtempSync(join(tmpdir(), 'assay-cells-'));
  writeFileSync(join(root, 'demo.yaml'), config);
  return planSession(sessionOptions({ root }), frameworks).cells;
}

/** The same without their bindings. */
export function cellsOf(planned: readonly PlannedCell[]): readonly Cell[] {
  return planned.map(({ cell }) => cell);
}
