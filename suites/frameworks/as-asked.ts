import type { Claim, ClaimContext } from 'vitest-assay/claims';

type Cell = ClaimContext['cell'];

/** What is said of one name is in force as it was asked for. */
export const asAsked =
  (name: string): Claim['check'] =>
  ({ run, expect }) => {
    const { asked, applied } = run.applied(name);
    expect(applied).toBe(asked);
  };

/** The same of several names together. */
export const allAsAsked =
  (...names: readonly string[]): Claim['check'] =>
  ({ run, expect }) => {
    const all = names.map((name) => run.applied(name));
    expect(all.map(({ applied }) => applied)).toEqual(all.map(({ asked }) => asked));
  };

/** For the cells that have a knob. */
export const hasKnob =
  (name: string) =>
  ({ knobs }: Cell): boolean =>
    knobs[name] !== undefined;

/** Whether a knob asks for a kernel of AITER. */
export const isAiter = (knob: unknown): boolean => String(knob).startsWith('aiter');

/** For the cells that ask for AITER. */
export const asksAiter = ({ knobs }: Cell): boolean => [knobs['attention'], knobs['fused_moe']].some(isAiter);
