import { relative } from 'node:path';
import { formatDuration } from '../core/units.ts';
import type { Status } from '../evidence/failure.ts';
import type { Progress } from '../lifecycle/adapter.ts';
import type { SessionEvent } from '../session/run.ts';
import { paint } from './paint.ts';
import { describeJudgement, nameRun } from './reuse-lines.ts';

const REPEAT_AFTER_MS = 2000;
// A silence that the reader would wonder about.
const WORTH_TELLING_MS = 10_000;
const NAME_WIDTH = 26;

interface LiveCell {
  readonly startedMs: number;
  printedMs: number;
}

/** Turns what happens to cells into lines: one when a phase begins that takes time, then one every other second. */
export class ProgressLines {
  readonly #print: (line: string) => void;
  readonly #live = new Map<string, LiveCell>();
  /** What each waiting cell was last said to wait for. */
  readonly #waits = new Map<string, string>();

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  onEvent(event: SessionEvent): void {
    if (event.type === 'reaped') {
      this.#print(
        ` ${paint('yellow', '○')} ended what a dead session left: ${relative(process.cwd(), event.reaped.folder)}`,
      );
      return;
    }
    const { cell } = event.planned;
    const name = cell.cellId.padEnd(NAME_WIDTH);
    switch (event.type) {
      case 'waiting':
        if (this.#waits.get(cell.key) !== event.what) this.#print(` ○ ${name} waiting   ${paint('dim', event.what)}`);
        this.#waits.set(cell.key, event.what);
        return;
      case 'started':
        this.#waits.delete(cell.key);
        this.#live.set(cell.key, { startedMs: performance.now(), printedMs: 0 });
        return;
      case 'phase':
        if (event.phase === 'launch') this.#print(` ● ${name} launch    ${paint('dim', cell.workload.framework)}`);
        return;
      case 'progress':
        this.#progress(cell.key, name, event.progress);
        return;
      case 'refused':
        this.#print(` ${paint('yellow', '-')} ${name} skipped   ${paint('dim', event.skip.reason)}`);
        return;
      case 'ended':
        this.#print(` ${endMark(event.status)} ${name} ${event.status.padEnd(9)} ${this.#took(cell.key)}`);
        return;
      default:
        this.#stored(name, event);
    }
  }

  #stored(name: string, event: StoredEvent): void {
    if (event.type === 'reused') {
      const { manifest, judgedAgain } = event;
      const what = `${nameRun(manifest)}, ${describeJudgement(judgedAgain)}`;
      this.#print(` ${reusedMark(manifest.status)} ${name} reused    ${what}`);
    } else if (event.type === 'damaged') {
      const { folder, reason } = event;
      this.#print(` ${paint('yellow', '!')} ${name} ${relative(process.cwd(), folder)} is passed over: ${reason}`);
    } else if (event.skip === null) {
      const { reason, nearest } = event.miss;
      const comparedTo = nearest === null ? '' : ` (compared with ${nameRun(nearest)})`;
      this.#print(` ○ ${name} no reuse  ${paint('dim', `${reason}${comparedTo}`)}`);
    } else this.#print(` ${paint('yellow', '-')} ${name} skipped   ${paint('dim', event.skip.detail)}`);
  }

  #progress(key: string, name: string, { done, total, unit, rate, quietMs = 0 }: Progress): void {
    const live = this.#live.get(key);
    const now = performance.now();
    if (live === undefined || now - live.printedMs < REPEAT_AFTER_MS) return;
    live.printedMs = now;
    const pulse = quietMs < WORTH_TELLING_MS ? rate : `nothing moved for ${formatDuration(quietMs)}`;
    this.#print(` ● ${name} await     ${`${done}/${total} ${unit}`.padEnd(14)} ${pulse}`.trimEnd());
  }

  #took(key: string): string {
    const live = this.#live.get(key);
    this.#live.delete(key);
    return live === undefined ? '' : formatDuration(performance.now() - live.startedMs);
  }
}

type StoredEvent = Extract<SessionEvent, { readonly type: 'reused' | 'missed' | 'damaged' }>;

function endMark(status: Status): string {
  return isGood(status) ? paint('green', '✓') : paint('red', '✗');
}

function reusedMark(status: Status): string {
  return paint(isGood(status) ? 'green' : 'red', '↺');
}

function isGood(status: Status): boolean {
  return status === 'passed' || status === 'recorded';
}
