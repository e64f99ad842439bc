import { WorkloadFailure } from '../../evidence/failure.ts';

/** The published dimensions of a model, by the names of Megatron's options. */
interface Dimensions {
  readonly layers: number;
  readonly hidden: number;
  readonly ffn: number;
  readonly heads: number;
  /** Groups of heads that share keys and values; as many as heads where none do. */
  readonly queryGroups: number;
}

interface Family {
  readonly name: string;
  readonly rotaryBase: number;
  readonly maxPositions: number;
  readonly vocabulary: number;
  /** By billions of parameters. */
  readonly sizes: ReadonlyMap<number, Dimensions>;
}

const LLAMA_2: Family = {
  name: 'Llama 2',
  rotaryBase: 10_000,
  maxPositions: 4096,
  vocabulary: 32_000,
  sizes: new Map([
    [7, { layers: 32, hidden: 4096, ffn: 11_008, heads: 32, queryGroups: 32 }],
    [13, { layers: 40, hidden: 5120, ffn: 13_824, heads: 40, queryGroups: 40 }],
    [70, { layers: 80, hidden: 8192, ffn: 28_672, heads: 64, queryGroups: 8 }],
  ]),
};

const LLAMA_3: Family = {
  name: 'Llama 3.1',
  rotaryBase: 500_000,
  maxPositions: 131_072,
  vocabulary: 128_256,
  sizes: new Map([
    [8, { layers: 32, hidden: 4096, ffn: 14_336, heads: 32, queryGroups: 8 }],
    [70, { layers: 80, hidden: 8192, ffn: 28_672, heads: 64, queryGroups: 8 }],
    [405, { layers: 126, hidden: 16_384, ffn: 53_248, heads: 128, queryGroups: 8 }],
  ]),
};

/** What tells which model is meant. */
export interface ModelChoice {
  /** Billions of parameters. */
  readonly size: number | undefined;
  /** Names that tell the family: of the tokenizer, of the model. */
  readonly names: readonly string[];
}

/** A model as Megatron's options say it. */
export interface ModelOptions {
  readonly options: Readonly<Record<string, string | number | true>>;
  readonly layers: number;
  readonly maxPositions: number;
  /** Tokens that its tokenizer knows. */
  readonly vocabulary: number;
}

/**
 * The options of a model of the Llama family; null when no size is given.
 *
 * @throws WorkloadFailure setup_failure for a size that the family does not have.
 */
export function modelOptions({ size, names }: ModelChoice): ModelOptions | null {
  if (size === undefined) return null;
  const family = names.some((name) => /llama[-_ ]?2(?!\d)/i.test(name)) ? LLAMA_2 : LLAMA_3;
  const found = family.sizes.get(size);
  if (found === undefined) {
    const sizes = [...family.sizes.keys()].join(', ');
    const message = `${family.name} has no model_size ${size} - write one of ${sizes}, or leave it out and give num-layers, hidden-size, num-attention-heads and the like in extra_args`;
    throw new WorkloadFailure('setup_failure', message);
  }
  const { layers, maxPositions, vocabulary } = { ...found, ...family };
  return { options: optionsOf(found, family), layers, maxPositions, vocabulary };
}

function optionsOf(
  { layers, hidden, ffn, heads, queryGroups }: Dimensions,
  { rotaryBase }: Family,
): ModelOptions['options'] {
  const sharesHeads = queryGroups < heads;
  return {
    'num-layers': layers,
    'hidden-size': hidden,
    'ffn-hidden-size': ffn,
    'num-attention-heads': heads,
    ...(sharesHeads ? { 'group-query-attention': true, 'num-query-groups': queryGroups } : {}),
    'position-embedding-type': 'rope',
    'rotary-base': rotaryBase,
    normalization: 'RMSNorm',
    swiglu: true,
    'disable-bias-linear': true,
    'untie-embeddings-and-output-weights': true,
    'attention-dropout': 0,
    'hidden-dropout': 0,
  };
}
