/** Thrown by a check whose question cannot be answered here: the claim is skipped, never passed. */
export class NotEvaluable extends Error {
  override readonly name = 'NotEvaluable';
}
