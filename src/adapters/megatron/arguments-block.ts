import { plainLine } from '../shared/role-logs.ts';

const BEGIN = /-{8,} arguments -{8,}\s*$/;
const END = /-{8,} end of arguments -{8,}\s*$/;
const ARGUMENT = /(?:^|\s)([a-z]\w*) \.{2,} (.*)$/;
const SIZES = /using world size: (\d+), (.*)$/;
const SIZE = /([a-z]+(?:-[a-z]+)*)-parallel size: (\d+)/g;

/**
 * What Megatron says, when it starts, that its arguments are: defaults filled in, contradictions resolved. As Python
 * prints them: `True`, `None`, `8`.
 */
export function readArguments(lines: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  let isInside = false;
  for (const line of lines) {
    if (!isInside && !line.includes('arguments') && !line.includes('world size')) continue;
    const plain = plainLine(line).trimEnd();
    if (BEGIN.test(plain)) isInside = true;
    else if (END.test(plain)) isInside = false;
    else for (const [name, value] of isInside ? argument(plain) : sizes(plain)) found.set(name, value);
  }
  return found;
}

function argument(line: string): readonly (readonly [string, string])[] {
  const [, name, value] = ARGUMENT.exec(line) ?? [];
  return name === undefined || value === undefined ? [] : [[name, value]];
}

/** `using world size: 8, data-parallel size: 2, ... tensor-model-parallel size: 4`, under the names of the arguments. */
function sizes(line: string): readonly (readonly [string, string])[] {
  const [, world, others = ''] = SIZES.exec(line) ?? [];
  if (world === undefined) return [];
  const named = [...others.matchAll(SIZE)].map(
    ([, name = '', size = '']) => [`${name.replaceAll('-', '_')}_parallel_size`, size] as const,
  );
  return [['world_size', world], ...named];
}
