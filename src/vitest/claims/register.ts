import { afterAll, beforeAll, expect, inject, test, TestRunner } from 'vitest';
import type { ExpectStatic, TestContext } from 'vitest';
import { fileURLToPath } from 'node:url';
import { AssayError } from '../../core/errors.ts';
import type { Verdict } from '../../evidence/verdict.ts';
import { connectToBroker } from '../broker-client.ts';
import type { BrokerClient } from '../broker-client.ts';
import { viewOfRun } from './claim-cell.ts';
import type { ClaimCell } from './claim-cell.ts';
import { callAt, placedAt, SuiteText } from './claim-place.ts';
import type { Claim, Claims } from './claim.ts';
import { MissedVerdict } from './missed-verdict.ts';
import { NotEvaluable } from './not-evaluable.ts';
import { unpackSelection } from './provided.ts';
import type { ClaimMeta, MetaVerdict, ProvidedCell, ProvidedSelection } from './provided.ts';
import { verdictIn } from './returned.ts';
import { RunCache } from './run-cache.ts';
import type { Run } from './run.ts';
import { isOnlyRecorded, judgedRun, takeAsserted, toHold } from './to-hold.ts';

/** Registers the claims of this file that the main process selected; the others do not exist for Vitest. */
export function registerClaims(claims: Claims): void {
  const provided = inject('assay');
  const file = expect.getState().testPath;
  const selection = provided === undefined || file === undefined ? null : unpackSelection(provided, file);
  if (provided === undefined || file === undefined || selection === null) return;
  expect.extend({ toHold });
  const line = new BrokerLine(provided.socket);
  const text = new SuiteText(file);
  const running = new Set<string>();
  const register = provided.haveTagsOptions ? registerWithTags : registerSharingTags();
  const byName = new Map<string, Declared>();
  for (const [name, claim] of Object.entries(claims)) {
    byName.set(name, { name, tier: selection.tier, claim, line, text });
  }
  for (const { name, tags, cell } of claimsIn(selection)) {
    const declared = byName.get(name);
    // A pass of watch mode is about the edited configs alone.
    if (declared === undefined || !TestRunner.matchesTags(tags)) continue;
    register({ declared, cell }, tags);
    if (cell.skipped === null) running.add(cell.key);
  }
  // Hooks do not run under `vitest list`: nothing is launched there.
  beforeAll(() => {
    line.open([...running]);
    process.on('SIGINT', leaveToSession);
  }, 0);
  afterAll(() => {
    process.off('SIGINT', leaveToSession);
    line.close();
  });
}

interface SelectedClaim {
  readonly name: string;
  readonly cell: ProvidedCell;
  readonly tags: string[];
}

/** The selected claims of a file, each with all its tags: one array for all claims with the same ones. */
function* claimsIn({ claims, cells, selected }: ProvidedSelection): Generator<SelectedClaim> {
  const tags = new SharedTags();
  for (let at = 0; at < selected.length; at += 2) {
    const claim = claims[selected[at] ?? -1];
    const cell = cells[selected[at + 1] ?? -1];
    if (claim !== undefined && cell !== undefined) {
      yield { name: claim.name, cell, tags: tags.of(cell, claim.tags) };
    }
  }
}

type Register = (registration: Registration, tags: string[]) => void;

/** Where a tag sets more than its name, such as retries, Vitest must look up every tag of every test. */
const registerWithTags: Register = (registration, tags) => registerClaim(registration, tags);

/** Else it is spared that, and sending an array of its own for every test to the main process. */
function registerSharingTags(): Register {
  const { tasks } = TestRunner.getCurrentSuite();
  return (registration, tags) => {
    registerClaim(registration, []);
    const task = tasks.at(-1);
    // A file may have tags of its own.
    if (task?.type === 'test') task.tags = task.tags?.length ? [...task.tags, ...tags] : tags;
  };
}

/** Remembers the tags of the claims about the last cell. */
class SharedTags {
  #cell: ProvidedCell | null = null;
  readonly #byOwn = new Map<string, string[]>();

  of(cell: ProvidedCell, own: readonly string[]): string[] {
    if (cell !== this.#cell) this.#byOwn.clear();
    this.#cell = cell;
    const key = own.join(' ');
    const known = this.#byOwn.get(key) ?? [...cell.tags, ...own];
    this.#byOwn.set(key, known);
    return known;
  }
}

// A terminal interrupts the workers as well. What becomes of the claims is for the session to say, and
// when that is gone, so are the broker and soon this process.
function leaveToSession(): void {}

/** Shared by the files that this worker loads. */
const runs = new RunCache();

interface FoundRun {
  readonly run: Run;
  readonly isReused: boolean;
}

/** The connection of one suite file, made when its tests really start. */
class BrokerLine {
  readonly #path: string;
  #client: BrokerClient | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  open(cells: readonly string[]): void {
    this.#client = connectToBroker(this.#path);
    this.#client.prefetch(cells);
  }

  close(): void {
    this.#client?.close();
  }

  async run({ key, verificationHash }: ProvidedCell): Promise<FoundRun> {
    const outcome = await this.#client?.outcome(key);
    if (outcome?.state === 'ran' || outcome?.state === 'reused') {
      return { run: runs.open(outcome.folder, verificationHash), isReused: outcome.state === 'reused' };
    }
    if (outcome?.state === 'stopped' || outcome?.state === 'skipped') throw new NotEvaluable(outcome.reason);
    throw new AssayError('EVIDENCE_MISSING', `${key} has no run: ${outcome?.reason ?? 'the broker was never asked'}`);
  }
}

/** A claim as its suite file declares it, whatever the cell. */
interface Declared {
  readonly name: string;
  readonly tier: number;
  readonly claim: Claim;
  readonly line: BrokerLine;
  /** Of its suite file. */
  readonly text: SuiteText;
}

/** A claim about a cell. */
interface Registration {
  readonly declared: Declared;
  readonly cell: ProvidedCell;
}

/** `tags` are those that Vitest looks up. */
function registerClaim({ declared, cell }: Registration, tags: string[]): void {
  const { name, tier, line, text } = declared;
  // No time limit: the first claim of a cell waits for its workload, which has time limits of its own.
  const options = { tags, timeout: 0, skip: cell.skipped !== null };
  test(`${name}${cell.bracket}`, options, async (context) => {
    const meta = { cell: cell.key, claim: name, tier };
    context.task.meta.assay = meta;
    try {
      const { run, isReused } = await line.run(cell);
      const ofRun = { cell: cell.key, claim: name, tier, run: run.folder, runId: run.id };
      const told: ClaimMeta = isReused ? { ...ofRun, reused: true } : ofRun;
      context.task.meta.assay = told;
      await checkClaim({ declared, cell, context, run, meta: told });
    } catch (thrown) {
      if (thrown instanceof NotEvaluable) context.skip(thrown.message);
      throw placed(thrown, name, text);
    }
  });
}

interface Judgement extends Registration {
  readonly context: TestContext;
  readonly run: Run;
  readonly meta: ClaimMeta;
}

async function checkClaim(judgement: Judgement): Promise<void> {
  const { declared, cell, context, run } = judgement;
  const warnings: string[] = [];
  let returned: Verdict | null = null;
  try {
    const warn = (text: string): void => void warnings.push(text);
    let view: ClaimCell | null = null;
    let own: ExpectStatic | null = null;
    // Made for every claim that asks, each is more work than all the rest of a trivial one.
    const given = await declared.claim.check({
      run,
      get cell() {
        return (view ??= viewOfRun(cell, run));
      },
      get expect() {
        return (own ??= context.expect);
      },
      warn,
    });
    returned = verdictIn(given);
    if (returned !== null) countAssertion(own ?? expect);
  } finally {
    const verdicts = new Set(takeAsserted(context.task.fullTestName));
    if (returned !== null) verdicts.add(returned);
    if (verdicts.size > 0 || warnings.length > 0) await tell([...verdicts], warnings, judgement);
  }
  if (returned?.passed === false && !isOnlyRecorded(run))
    throw new MissedVerdict(returned, judgedRun(run, declared.name));
}

/** Whoever has Vitest require assertions has one in a verdict. */
function countAssertion(by: ExpectStatic): void {
  by.setState({ assertionCalls: by.getState().assertionCalls + 1 });
}

/** Leaves what a claim found where reporters see it. */
async function tell(verdicts: readonly Verdict[], warnings: readonly string[], judgement: Judgement): Promise<void> {
  const { context, meta, declared } = judgement;
  const telling = verdicts.find(({ passed }) => !passed) ?? verdicts.at(-1);
  if (telling !== undefined) context.task.meta.assay = { ...meta, verdict: metaVerdict(telling) };
  const annotations = [
    ...verdicts.map(({ detail, passed }) => ({ message: detail, type: passed ? 'assay' : 'assay-failed' })),
    ...warnings.map((message) => ({ message, type: 'assay-warning' })),
  ];
  for (const { message, type } of annotations) {
    await callAt(declared.text.placeOf(declared.name), () => context.annotate(message, type));
  }
}

function metaVerdict({ evidence: _evidence, ...verdict }: Verdict): MetaVerdict {
  return verdict;
}

/** A known error with the claim as its place, and without a stack: Vitest prints the claims of one cause together. */
function placed(thrown: unknown, name: string, text: SuiteText): unknown {
  if (thrown instanceof MissedVerdict) return placedAt(thrown, text.placeOf(name));
  if (!(thrown instanceof AssayError)) return withoutOwnFrames(thrown);
  const next = thrown.hint === undefined ? '' : `   next: ${thrown.hint}`;
  thrown.stack = [`${thrown.name}: ${thrown.message}`, ...(next === '' ? [] : [next])].join('\n');
  delete thrown.cause;
  return placedAt(thrown, text.placeOf(name), next === '' ? ' ' : next);
}

/** Less what calls every check: the stack ends where the suite's own code does. */
function withoutOwnFrames(thrown: unknown): unknown {
  if (thrown instanceof Error && typeof thrown.stack === 'string') {
    const lines = thrown.stack.split('\n');
    thrown.stack = lines.filter((line) => !line.includes(OWN_FILE)).join('\n');
  }
  return thrown;
}

const OWN_FILE = fileURLToPath(import.meta.url);
