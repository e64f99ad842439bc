import { nearest, nearestTypo } from '../../core/nearest.ts';
import type { FrameworkSpec } from '../schema/framework.ts';
import { explainIssues } from '../issues/issues.ts';
import type { Unplaced } from '../issues/issues.ts';
import type { Workload } from '../schema/schema.ts';

/** What a framework says of the fields that hold for all cells. */
export function checkWorkload(workload: Workload, spec: FrameworkSpec): readonly Unplaced[] {
  return [...kindMistakes(workload, spec), ...containerMistakes(workload, spec), ...idKnobMistakes(workload)];
}

function kindMistakes(workload: Workload, spec: FrameworkSpec): readonly Unplaced[] {
  if (workload.workload_kind === spec.workloadKind) return [];
  const message = `"${workload.workload_kind}", but ${spec.name} runs ${spec.workloadKind}`;
  return [{ path: ['workload_kind'], message, hint: `write ${spec.workloadKind}` }];
}

function containerMistakes({ container }: Workload, spec: FrameworkSpec): readonly Unplaced[] {
  if (container === undefined || spec.container === 'optional') return [];
  return [{ path: ['container'], message: `${spec.name} runs without a container`, hint: 'remove it' }];
}

// Written by default: a config need not have them.
const USUAL_ID_KNOBS = ['attention', 'quant'];

function idKnobMistakes({ id_knobs: idKnobs, knobs }: Workload): readonly Unplaced[] {
  const known = Object.keys(knobs);
  return idKnobs.flatMap((knob, index) => {
    if (known.includes(knob) || USUAL_ID_KNOBS.includes(knob)) return [];
    const meant = nearest(knob, known);
    const hint = meant === null ? `add it to \`knobs:\`, or remove it here` : `did you mean \`${meant}\`?`;
    return [{ path: ['id_knobs', index], message: `this config has no knob ${knob}`, hint }];
  });
}

/** Knobs that the framework reads and refuses, and those that look like a misspelt one. */
export function checkKnobs({ knobs }: Pick<Workload, 'knobs'>, spec: FrameworkSpec): readonly Unplaced[] {
  const result = spec.knobs.safeParse(knobs);
  const issues = result.success ? [] : explainIssues(spec.knobs, result.error, knobs);
  const refused = issues.map((issue) => ({ ...issue, path: ['knobs', ...issue.path] }));
  const known = Object.keys(spec.knobs.shape);
  const misspelt = Object.keys(knobs).flatMap((knob) => {
    const meant = known.includes(knob) ? null : nearestTypo(knob, known);
    if (meant === null || Object.hasOwn(knobs, meant)) return [];
    return [{ path: ['knobs', knob], message: 'unknown field', hint: `did you mean \`${meant}\`?` }];
  });
  return [...refused, ...misspelt];
}
