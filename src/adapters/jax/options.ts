import type { Scalar } from '../../config/schema/framework.ts';
import { MESH_AXES } from './degrees.ts';
import type { SplitDegrees } from './degrees.ts';
import type { JaxParams } from './params.ts';

/** Options of MaxText by name. */
export type MaxTextOptions = Readonly<Record<string, Scalar | readonly string[]>>;

/** Params that are no options of MaxText, or not under their own names. */
const NOT_OPTIONS: ReadonlySet<string> = new Set([
  'tp',
  'pp',
  'dp',
  'fsdp',
  'cp',
  'ep',
  'sequence_length',
  'tokenizer_model',
  'trainer',
  'base_config',
  'base_output_directory',
  'xla_flags',
  'extra_args',
]);

/** Params that override what the preset of a model says; MaxText wants to be told that they may. */
const PRESET_PARAMS: readonly (keyof JaxParams)[] = [
  'decoder_block',
  'base_emb_dim',
  'base_num_query_heads',
  'base_num_kv_heads',
  'base_num_decoder_layers',
  'base_mlp_dim',
  'head_dim',
  'mlp_activations',
  'vocab_size',
  'logits_via_embedding',
  'normalization_layer_epsilon',
  'rope_max_timescale',
];

/** The options of MaxText that params are, under its names. */
export function optionsOf(params: JaxParams): MaxTextOptions {
  const own = Object.entries(params).flatMap(([name, value]) =>
    NOT_OPTIONS.has(name) || typeof value === 'object' ? [] : [[name, value] as const],
  );
  const overridesPreset = params.model_name !== undefined && PRESET_PARAMS.some((name) => params[name] !== undefined);
  return {
    ...Object.fromEntries(own),
    ...(params.mlp_activations === undefined ? {} : { mlp_activations: params.mlp_activations }),
    ...(overridesPreset ? { override_model_config: true } : {}),
    max_target_length: params.sequence_length,
    ...(params.tokenizer_model === undefined ? {} : { tokenizer_path: params.tokenizer_model }),
    ...params.extra_args,
  };
}

/** The degrees between and within nodes as options of MaxText. */
export function degreeOptions({ dcn, ici }: SplitDegrees): MaxTextOptions {
  return Object.fromEntries(
    MESH_AXES.flatMap((axis) => [
      [`dcn_${axis}_parallelism`, dcn[axis]],
      [`ici_${axis}_parallelism`, ici[axis]],
    ]),
  );
}

/** Options as words of a command line, `name=value`. */
export function optionWords(options: MaxTextOptions): readonly string[] {
  return Object.entries(options).map(
    ([name, value]) => `${name}=${Array.isArray(value) ? `[${value.join(',')}]` : String(value)}`,
  );
}
