import type { Complaint } from './problem.ts';

/** One line of a text. */
export interface Line {
  /** Offset of its first character. */
  readonly start: number;
  /** 1-based. */
  readonly number: number;
  readonly text: string;
}

/** Where and why js-yaml gave up. */
export interface Failure {
  readonly text: string;
  /** In js-yaml's words. */
  readonly reason: string;
  readonly offset: number;
  /** The line of the offset. */
  readonly line: Line;
  /** The last line above it that is neither blank nor a comment. */
  readonly before: Line | null;
}

/** What a person did who made js-yaml give up. */
interface Diagnosis extends Complaint {
  readonly offset: number;
  /** The text without this mistake, every character where it was; absent when that is not possible. */
  readonly mended?: string;
}

/** Explains a failure; null when it is another's to explain. */
export type Diagnose = (failure: Failure) => Diagnosis | null;
