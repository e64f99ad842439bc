import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { TestContext } from 'vitest';
import { join, relative } from 'node:path';
import { AssayError, withoutStack } from '../core/errors.ts';
import type { Verdict } from '../evidence/verdict.ts';
import { connectToBroker } from './broker-client.ts';
import type { BrokerClient } from './broker-client.ts';
import type { Claim, Claims } from './claim.ts';
import type { ClaimMeta, ProvidedCell } from './provided.ts';
import { Run } from './run.ts';
import { NotEvaluable } from './not-evaluable.ts';

/** Registers the claims of this file that the main process selected; the others do not exist for Vitest. */
export function registerClaims(claims: Claims): void {
  const provided = inject('assay');
  const file = expect.getState().testPath;
  if (provided === undefined || file === undefined) return;
  const { claims: named, selected } = provided.files[file] ?? { claims: [], selected: [] };
  const line = new BrokerLine(provided.socket);
  const running = new Set<string>();
  for (const [claimIndex, cellIndex] of selected) {
    const own = named[claimIndex];
    const cell = provided.cells[cellIndex];
    const claim = claims[own?.name ?? ''];
    if (own === undefined || cell === undefined || claim === undefined) continue;
    registerClaim({ name: own.name, tags: [...cell.tags, ...own.tags], claim, cell, line });
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

// A terminal interrupts the workers as well. What becomes of the claims is for the session to say, and
// when that is gone, so are the broker and soon this process.
function leaveToSession(): void {}

interface JudgedRun {
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

  async run({ key, verificationHash }: ProvidedCell): Promise<JudgedRun> {
    const outcome = await this.#client?.outcome(key);
    if (outcome?.state === 'ran' || outcome?.state === 'reused') {
      return { run: new Run(outcome.folder, verificationHash), isReused: outcome.state === 'reused' };
    }
    if (outcome?.state === 'stopped' || outcome?.state === 'skipped') throw new NotEvaluable(outcome.reason);
    throw new AssayError('EVIDENCE_MISSING', `${key} has no run: ${outcome?.reason ?? 'the broker was never asked'}`);
  }
}

interface Registration {
  readonly name: string;
  readonly tags: readonly string[];
  readonly claim: Claim;
  readonly cell: ProvidedCell;
  readonly line: BrokerLine;
}

function registerClaim({ name, tags, claim, cell, line }: Registration): void {
  const title = `${name}${cell.bracket}`;
  // No time limit: the first claim of a cell waits for its workload, which has time limits of its own.
  const options = { tags: [...tags], timeout: 0, skip: cell.skipped !== null };
  test(title, options, async (context) => {
    const meta = { cell: cell.key, claim: name };
    context.task.meta.assay = meta;
    try {
      const { run, isReused } = await line.run(cell);
      const ofRun = { ...meta, run: run.folder, ...(isReused ? { reused: true as const } : {}) };
      context.task.meta.assay = ofRun;
      await checkClaim({ context, claim, run, meta: ofRun });
    } catch (thrown) {
      if (thrown instanceof NotEvaluable) context.skip(thrown.message);
      // Without a stack Vitest prints the claims that share one cause together.
      throw withoutStack(thrown);
    }
  });
}

async function checkClaim({ claim, ...judgement }: Judgement & { readonly claim: Claim }): Promise<void> {
  const { context, run } = judgement;
  const warnings: string[] = [];
  try {
    const verdict = await claim.check({ run, expect: context.expect, warn: (text) => warnings.push(text) });
    if (verdict !== undefined) await judge(verdict, judgement);
  } finally {
    for (const warning of warnings) await context.annotate(warning, 'assay-warning');
  }
}

interface Judgement {
  readonly context: TestContext;
  readonly run: Run;
  readonly meta: ClaimMeta;
}

async function judge(verdict: Verdict, { context, run, meta }: Judgement): Promise<void> {
  const { metric, op, expected, actual, margin, passed, n, detail } = verdict;
  context.task.meta.assay = { ...meta, verdict: { metric, op, expected, actual, margin, passed, n, detail } };
  await context.annotate(detail, passed ? 'assay' : 'assay-failed');
  if (!passed && run.manifest.status !== 'recorded') throw new MissedClaim(verdict, run, meta.claim);
}

/** A verdict that did not pass, told so that no log has to be opened. */
class MissedClaim extends Error {
  override readonly name = 'MissedClaim';

  constructor(verdict: Verdict, run: Run, claim: string) {
    const { evidence, detail, source } = verdict;
    const file = join(relative(process.cwd(), run.folder), evidence.file);
    const worst = evidence.worst?.map(({ request_id: id, value }) => `${id} ${value.toFixed(1)}`).join(' · ');
    const { cell_id: cellId, config_file: configFile } = run.manifest;
    super(
      [
        detail,
        ...(worst === undefined ? [] : [`   worst     ${worst}`]),
        `   threshold ${source ?? configFile}`,
        `   evidence  ${file}`,
        `   rerun     ${typedBefore()}npx vitest run -t "${claim} ${cellId}"`,
      ].join('\n'),
    );
    // Where the claim was registered helps nobody; what missed is in the message.
    this.stack = `${this.name}: ${this.message}`;
  }
}

/** What the command line changed for this session: without it a rerun would be another workload. */
function typedBefore(): string {
  const { ASSAY_SET: set, ASSAY_CONFIGS: configs, ASSAY_CLUSTER: cluster } = process.env;
  const given = Object.entries({ ASSAY_SET: set, ASSAY_CONFIGS: configs, ASSAY_CLUSTER: cluster });
  return given.map(([name, value]) => (value === undefined ? '' : `${name}='${value}' `)).join('');
}
