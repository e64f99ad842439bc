import { join, relative } from 'node:path';
import { formatNumber } from '../../core/units.ts';
import type { Verdict } from '../../evidence/verdict.ts';
import { shellWord } from '../../exec/shell-quote.ts';
import { typedBefore } from '../screen/typed-before.ts';

/** What a verdict was judged on, to say where to look and what to type. */
export interface JudgedRun {
  /** The run directory, absolute. */
  readonly folder: string;
  readonly testId: string;
  readonly cellId: string;
  /** The claim that asks; null outside of one. */
  readonly claim: string | null;
}

/** The name in front of the message, as Vitest prints it. */
const NAME = 'MissedVerdict';
const SCREEN_WIDTH = 80;

/** A verdict that did not pass, told so that no log has to be opened. */
export class MissedVerdict extends Error {
  override readonly name = NAME;

  constructor(verdict: Verdict, run: JudgedRun | null) {
    super(describeMissed(verdict, run));
    // Where this was thrown helps nobody; what missed is in the message.
    this.stack = `${NAME}: ${this.message}`;
  }
}

/** A missed verdict: what was measured and demanded, the worst samples, where it is written, and the next commands. */
export function describeMissed(verdict: Verdict, run: JudgedRun | null): string {
  return [sentence(verdict.detail), ...worstOf(verdict), ...places(verdict, run), ...commandsFor(run)].join('\n');
}

/** A verdict that passed where it was not to: what holds, and where that is written. */
export function describeHeld(verdict: Verdict, run: JudgedRun | null): string {
  return [sentence(verdict.detail), '   holds, and was expected to be missed', ...places(verdict, run)].join('\n');
}

/** On one line where they fit. */
function worstOf({ evidence }: Verdict): readonly string[] {
  const worst = evidence.worst?.map(({ request_id: id, value }) => `${id} ${formatNumber(value)}`) ?? [];
  const inOne = line('worst', worst.join(' · '));
  if (worst.length === 0 || inOne.length <= SCREEN_WIDTH) return worst.length === 0 ? [] : [inOne];
  return worst.map((one, index) => line(index === 0 ? 'worst' : '', one));
}

function places({ source, evidence }: Verdict, run: JudgedRun | null): readonly string[] {
  return [
    ...(source === undefined ? [] : [line('threshold', source)]),
    ...(run === null ? [] : [line('evidence', join(relative(process.cwd(), run.folder), evidence.file))]),
  ];
}

function line(label: string, text: string): string {
  return `   ${label.padEnd(9)} ${text}`;
}

/** The figures on a line of their own where all of it would not fit. */
function sentence(detail: string): string {
  return `${NAME}: ${detail}`.length <= SCREEN_WIDTH ? detail : detail.replace(' (margin ', '\n   (margin ');
}

/** What judges the run again, and what launches its cell again and makes this claim alone about it. */
function commandsFor(run: JudgedRun | null): readonly string[] {
  if (run === null) return [];
  const { testId, cellId, claim } = run;
  const before = typedBefore(process.env);
  const again = line('again', `${before}npx assay verify --only-cells ${shellWord(`${testId}/${cellId}`)}`);
  const rerun = `${before}npx vitest run -t "${claim} ${testId} ${cellId}"`;
  return claim === null ? [again] : [again, line('rerun', rerun)];
}
