import { z } from 'zod';

/** The phases of every job, in order. */
export const PHASES = ['prepare', 'launch', 'await', 'parse', 'verify', 'teardown'] as const;
export type Phase = (typeof PHASES)[number];

const FAILURE_CATEGORIES = [
  'setup_failure',
  'safety_violation',
  'failure_pattern_matched',
  'liveness_failure',
  'parse_failure',
  'verification_failure',
] as const;

/** Why a workload failed; the first cause wins. */
export type FailureCategory = (typeof FAILURE_CATEGORIES)[number];

/** What became of a run; `running` only while its job host lives. */
export const STATUSES = [
  'running',
  'passed',
  'recorded',
  'skipped',
  'interrupted',
  'failed_setup',
  'failed_safety',
  'failed_pattern',
  'failed_liveness',
  'failed_parse',
  'failed_verification',
] as const;
export type Status = (typeof STATUSES)[number];

/** The status that a failure of this category gives a run. */
export const STATUS_OF_FAILURE: Readonly<Record<FailureCategory, Status>> = {
  setup_failure: 'failed_setup',
  safety_violation: 'failed_safety',
  failure_pattern_matched: 'failed_pattern',
  liveness_failure: 'failed_liveness',
  parse_failure: 'failed_parse',
  verification_failure: 'failed_verification',
};

/** The record of a failure in a manifest. */
export const failureSchema = z.strictObject({
  category: z.enum(FAILURE_CATEGORIES),
  originated_in_phase: z.enum(PHASES),
  message: z.string(),
  /** The last lines of the log that tells most. */
  evidence: z.array(z.string()),
});
export type Failure = z.output<typeof failureSchema>;

/**
 * Thrown inside a job where a workload fails, with its category; the job driver
 * turns it into a record. It never leaves the job host.
 */
export class WorkloadFailure extends Error {
  override readonly name = 'WorkloadFailure';
  readonly category: FailureCategory;
  readonly evidence: readonly string[];

  constructor(category: FailureCategory, message: string, evidence: readonly string[] = []) {
    super(message);
    this.category = category;
    this.evidence = evidence;
  }
}
