import { normaliseTag } from '../../config/tags.ts';
import { SuiteText } from './claim-place.ts';
import { isDeclared } from './claim.ts';
import type { Claims } from './claim.ts';
import { importProblem } from './import-problem.ts';
import { suitesError } from './suite-problem.ts';
import type { SuiteProblem } from './suite-problem.ts';
import { suiteOf, suitePlace, TIER_FOLDERS } from './suite.ts';
import type { Suite } from './suite.ts';

/** A suite file that was read, or all that is wrong with it. */
export type SuiteReading =
  | { readonly state: 'read'; readonly suite: Suite }
  | { readonly state: 'refused'; readonly problems: readonly SuiteProblem[] };

interface SuiteFile {
  /** The suites folder, absolute. */
  readonly folder: string;
  /** Absolute. */
  readonly file: string;
}

/** Reads a suite file as data; `load` imports it. Never throws: what is wrong with it is told with that of the others. */
export async function readSuite({ folder, file }: SuiteFile, load: () => Promise<unknown>): Promise<SuiteReading> {
  const text = new SuiteText(file);
  const refuse = (message: string, hint: string): SuiteReading => ({
    state: 'refused',
    problems: [{ place: text.placeOf(null), claim: null, message, hint }],
  });
  const place = suitePlace(folder, file);
  if (place === null) {
    return refuse('lies in no tier folder', `move it to one of ${TIER_FOLDERS.join(', ')} under ${folder}`);
  }
  const loaded = await load().then(
    (module) => ({ declared: (module as { readonly default?: unknown }).default }),
    (thrown: unknown) => ({ problem: importProblem(thrown, text.placeOf(null)) }),
  );
  if ('problem' in loaded) return { state: 'refused', problems: [loaded.problem] };
  const { declared } = loaded;
  if (declared === undefined) return refuse('has no default export', `write \`${EXPORT}\``);
  if (!isDeclared(declared)) return refuse('its default export was not made by claims()', `write \`${EXPORT}\``);
  const problems = problemsOf(declared, text);
  if (problems.length > 0) return { state: 'refused', problems };
  return { state: 'read', suite: suiteOf(file, place, declared) };
}

/**
 * The suites of a project, once all of them were read.
 *
 * @throws AssayError CLAIMS_INVALID with every problem of every file.
 */
export function suitesIn(readings: readonly SuiteReading[]): readonly Suite[] {
  const problems = readings.flatMap((reading) => (reading.state === 'refused' ? reading.problems : []));
  if (problems.length > 0) throw suitesError(problems);
  return readings.flatMap((reading) => (reading.state === 'read' ? [reading.suite] : []));
}

const EXPORT = 'export default claims({ ... })';

function problemsOf(claims: Claims, text: SuiteText): readonly SuiteProblem[] {
  return Object.entries(claims).flatMap(([claim, declared]) => {
    const place = (): SuiteProblem['place'] => text.placeOf(claim);
    const names = PLAIN_NAME.test(claim) ? [] : [nameProblem(claim)];
    const checks = typeof declared?.check === 'function' ? [] : [NO_CHECK];
    const tags = (declared?.tags ?? []).filter((tag) => !isTag(tag)).map(tagProblem);
    return [...names, ...checks, ...tags].map((problem) => ({ ...problem, place: place(), claim }));
  });
}

type Unplaced = Pick<SuiteProblem, 'message' | 'hint'>;

// A word of `-t`, and what stands before the bracket of a title.
const PLAIN_NAME = /^[A-Za-z_][\w.-]*$/;

const NO_CHECK: Unplaced = { message: 'has no check', hint: 'write `check: ({ run, expect }) => ...`' };

function nameProblem(claim: string): Unplaced {
  const plain = normaliseTag(claim).replace(/^(?=\d)/, '_');
  const instead = plain === '' ? 'letters, digits and "_"' : `\`${plain}\``;
  return { message: `the name ${JSON.stringify(claim)} is no plain word`, hint: `write ${instead}` };
}

/** What a filter can name: not empty, and no word of its grammar. */
function isTag(tag: unknown): boolean {
  return typeof tag === 'string' && !['', 'and', 'or', 'not'].includes(normaliseTag(tag));
}

function tagProblem(tag: unknown): Unplaced {
  return {
    message: `${JSON.stringify(tag)} is no tag`,
    hint: 'write a word that --tags-filter can name, such as `slow`',
  };
}
