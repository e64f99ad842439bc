import { plainLine } from '../shared/role-logs.ts';

/** A checkpoint that Orbax has written or read. */
export interface Checkpoint {
  readonly kind: 'save' | 'load';
  /** The step that it holds; null where its path does not say. */
  readonly step: number | null;
  readonly seconds: number;
}

const SECONDS = String.raw`(\d+(?:\.\d+)?)`;

// One wording per generation of Orbax, the newest first. Asynchronous saves count from their start to the last byte.
const WORDINGS: readonly { readonly kind: Checkpoint['kind']; readonly pattern: RegExp }[] = [
  {
    kind: 'save',
    pattern: new RegExp(String.raw`Finished save(?: \(blocking \+ background\))? in ${SECONDS} seconds @ (\S+)`),
  },
  { kind: 'load', pattern: new RegExp(String.raw`Finished load in ${SECONDS} seconds @ (\S+)`) },
  {
    kind: 'save',
    pattern: new RegExp(
      String.raw`Finished async_save \(blocking \+ background\)\. Time taken: ${SECONDS}s\.\s+directory=(\S+)`,
    ),
  },
  { kind: 'load', pattern: new RegExp(String.raw`Finished restoring checkpoint in ${SECONDS} seconds from (\S+)`) },
];

/** The checkpoint that a line of Orbax says is finished; null for any other line. */
export function parseCheckpoint(text: string): Checkpoint | null {
  const line = plainLine(text);
  for (const { kind, pattern } of WORDINGS) {
    const [, seconds, path] = pattern.exec(line) ?? [];
    if (seconds !== undefined && path !== undefined) return { kind, step: stepOf(path), seconds: Number(seconds) };
  }
  return null;
}

/** Checkpoints lie in folders that are named after their step. */
function stepOf(path: string): number | null {
  const step = path.split('/').findLast((part) => /^\d+\.?$/.test(part));
  return step === undefined ? null : Number.parseInt(step, 10);
}
