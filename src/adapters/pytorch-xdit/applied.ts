import type { Scalar } from '../../config/schema/framework.ts';
import type { ParseContext, WorkloadResult } from '../../lifecycle/adapter.ts';
import { plainLine } from '../shared/role-logs.ts';
import type { Film } from './mp4.ts';
import type { PytorchXditParams } from './params.ts';

interface Evidence {
  readonly knobs: ParseContext['run']['knobs'];
  readonly film: Film | null;
  readonly lines: readonly string[];
}

/** What was asked of a pipeline, and what its printed arguments and its film say is in force. */
export function appliedTo(params: PytorchXditParams, { knobs, film, lines }: Evidence): WorkloadResult['applied'] {
  const said = printedArguments(lines);
  const number = (...names: readonly string[]): number | null => {
    const text = names.map((name) => said.get(name)).find((value) => value !== undefined);
    return text === undefined || Number.isNaN(Number(text)) ? null : Number(text);
  };
  const asked: Readonly<Record<string, readonly [asked: unknown, applied: Scalar | null]>> = {
    ulysses_degree: [params.ulysses_degree, number('ulysses_size', 'ulysses_degree')],
    ring_degree: [params.ring_degree, number('ring_size', 'ring_degree')],
    num_inference_steps: [params.num_inference_steps, number('sample_steps', 'num_inference_steps')],
    frame_num: [params.frame_num, film?.frames ?? number('frame_num')],
    size: [params.size, said.get('size') ?? null],
    attention: [knobs['attention'], said.get('attention_backend') ?? said.get('attention_type') ?? null],
  };
  return Object.fromEntries(
    Object.entries(asked).flatMap(([name, [wanted, applied]]) =>
      typeof wanted === 'string' || typeof wanted === 'number' ? [[name, { asked: wanted, applied }] as const] : [],
    ),
  );
}

/** The arguments that a script prints of itself: `Namespace(task='i2v-A14B', ulysses_size=8, ...)`. */
function printedArguments(lines: readonly string[]): ReadonlyMap<string, string> {
  const printed = lines.map(plainLine).find((line) => /\b(?:Namespace|xFuserArgs)\(/.test(line)) ?? '';
  const pairs = printed.matchAll(/\b(\w+)=(?:'([^']*)'|"([^"]*)"|([^,()\s]+))/g);
  return new Map([...pairs].map(([, name = '', single, double, plain]) => [name, single ?? double ?? plain ?? '']));
}
