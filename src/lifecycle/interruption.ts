/** Ends a run early: asked for from outside, not a failure of the workload. */
export class Interruption extends Error {
  override readonly name = 'Interruption';
}
