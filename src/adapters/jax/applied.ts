import type { ParseContext, WorkloadResult } from '../../lifecycle/adapter.ts';
import { describeDegrees, mapAxes, meshDegrees } from './degrees.ts';
import { jaxParams } from './params.ts';
import type { Startup } from './startup-lines.ts';
import { describeFlags, flagsInForce } from './xla-flags.ts';

/** MaxText's attention where a config leaves it out. */
const DEFAULT_ATTENTION = 'autoselected';

/** What was asked of MaxText and XLA, and what they say is in force: null where they do not say. */
export function appliedOf(
  { params, knobs }: Pick<ParseContext['run'], 'params' | 'knobs'>,
  { config }: Startup,
  xlaOptions: string | null,
): WorkloadResult['applied'] {
  const asked = jaxParams.parse(params);
  const inForce = (name: string): string | null => config.get(name) ?? null;
  const flags = asked.xla_flags ?? {};
  return {
    attention: { asked: knobs['attention'] ?? DEFAULT_ATTENTION, applied: inForce('attention') },
    quantization: { asked: asked.quantization, applied: inForce('quantization') },
    dtype: { asked: asked.dtype, applied: inForce('dtype') },
    parallelism: { asked: describeDegrees(meshDegrees(asked)), applied: parallelismInForce(config) },
    xla_flags: {
      asked: describeFlags(flags),
      applied: xlaOptions === null ? null : describeFlags(flagsInForce(flags, xlaOptions)),
    },
  };
}

function parallelismInForce(config: Startup['config']): string | null {
  const degrees = mapAxes((axis) => degreeIn(config, `dcn_${axis}`) * degreeIn(config, `ici_${axis}`));
  return Object.values(degrees).some((degree) => Number.isNaN(degree)) ? null : describeDegrees(degrees);
}

/** A degree that MaxText was to choose, -1, is no answer. */
function degreeIn(config: Startup['config'], name: string): number {
  const text = config.get(`${name}_parallelism`);
  return text !== undefined && /^[1-9]\d*$/.test(text) ? Number(text) : NaN;
}
