/** Values of flags by their names without dashes; undefined ones are not given. */
export type Flags = Readonly<Record<string, string | number | boolean | undefined>>;

/** Flags as words of a command line: `true` is a flag without a value, `false` its `--no-` form. */
export function flagWords(flags: Flags): readonly string[] {
  return Object.entries(flags).flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (typeof value === 'boolean') return [value ? `--${name}` : `--no-${name}`];
    return [`--${name}`, String(value)];
  });
}
