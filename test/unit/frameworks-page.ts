import { z } from 'zod';
import type { FrameworkSpec } from '../../src/config/schema/framework.ts';

/** docs/frameworks.md, written from what the frameworks declare. */
export function frameworksPage(specs: readonly FrameworkSpec[]): string {
  return [
    '# Frameworks and their fields',
    '',
    'What each `framework:` takes under `params:` (or on an axis of `sweep:`, whose short name stands in cell ids), which roles its',
    'topology has, and what its thresholds can judge. Written from the schemas; `assay schema` prints the same for editors.',
    '',
    ...specs.flatMap(sectionOf),
  ].join('\n');
}

function sectionOf(spec: FrameworkSpec): readonly string[] {
  const { roles, metrics, predicates, container, axisTokens } = spec;
  const knobs = Object.keys(spec.knobs.shape);
  const facts = [
    `roles: ${[...roles.required, ...roles.optional.map((role) => `${role} (optional)`)].join(', ')}`,
    `container: ${container}`,
    ...(knobs.length === 0 ? [] : [`knobs it reads: ${knobs.join(', ')}`]),
    `metrics: ${metrics.join(', ')}`,
    ...(predicates.length === 0 ? [] : [`judged while it runs: ${predicates.join(', ')}`]),
  ];
  const rows = Object.entries(spec.params.shape).map(([name, field]) => {
    const { description = '', ...json } = jsonOf(field as z.ZodType);
    const token = axisTokens[name];
    const named = token === undefined || token === name ? `\`${name}\`` : `\`${name}\` (${token})`;
    return `| ${named} | ${accepts(json)} | ${cell(description)} |`;
  });
  return [
    `## ${spec.name} (${spec.workloadKind})`,
    '',
    ...facts.map((fact) => `- ${fact}`),
    '',
    '| param | takes | meaning |',
    '| --- | --- | --- |',
    ...rows,
    '',
  ];
}

interface Json {
  readonly description?: string;
  readonly default?: unknown;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: string | number | boolean;
  readonly anyOf?: readonly Json[];
  readonly items?: Json;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
}

function jsonOf(field: z.ZodType): Json {
  return z.toJSONSchema(field, { io: 'input', target: 'draft-7' }) as Json;
}

function accepts(json: Json): string {
  const { default: standard } = json;
  const usual = standard === undefined ? '' : `, default \`${JSON.stringify(standard)}\``;
  return `${kindOf(json)}${usual}`;
}

function kindOf(json: Json): string {
  if (json.const !== undefined) return `\`${String(json.const)}\``;
  if (json.enum !== undefined) return json.enum.map((value) => `\`${String(value) || '""'}\``).join(', ');
  if (json.anyOf !== undefined) return json.anyOf.map(kindOf).join(' or ');
  if (json.type === 'array') return `a list of ${kindOf(json.items ?? {})}`;
  if (json.type === 'object') return 'a mapping';
  if (json.type === 'boolean') return 'true or false';
  if (json.type === 'string') return 'a text';
  return `${json.type === 'integer' ? 'a whole number' : 'a number'}${rangeOf(json)}`;
}

function rangeOf({ minimum, exclusiveMinimum, maximum }: Json): string {
  const least = minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? ` from ${minimum}` : '';
  const above = exclusiveMinimum === undefined ? '' : ` above ${exclusiveMinimum}`;
  const most = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? ` to ${maximum}` : '';
  return `${least}${above}${most}`;
}

function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`);
}
