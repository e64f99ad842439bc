import { z } from 'zod';

interface Trainer {
  /** Its attention, and the likes of it. */
  readonly attention: string;
  /** Which of its params says what is computed in. */
  readonly computesIn: string;
}

/** Knobs of a trainer. */
export function trainerKnobs({
  attention,
  computesIn,
}: Trainer): Readonly<Record<'attention' | 'quant' | 'backend', z.ZodExactOptional<z.ZodString>>> {
  const text = z.string().exactOptional();
  return {
    attention: text.describe(attention),
    quant: text.describe(
      `Number format to compare runs by, e.g. fp8, bf16; what is computed in is the param \`${computesIn}\`.`,
    ),
    backend: text.describe('Variant of the trainer.'),
  };
}
