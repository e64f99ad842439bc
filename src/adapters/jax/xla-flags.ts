import type { Scalar } from '../../config/schema/framework.ts';

/** Flags of the XLA compiler by their names without dashes. */
export type XlaFlags = Readonly<Record<string, Scalar>>;

/** What XLA says of its options when it has compiled the training step, and where. */
export const XLA_OPTIONS = { folder: 'xla', pattern: '*.jit_train_step.config.pbtxt' } as const;

/** The value of the environment variable XLA_FLAGS. */
export function xlaFlagsVariable(flags: XlaFlags): string {
  return Object.entries(flags)
    .map(([name, value]) => `--${name}=${/\s/.test(String(value)) ? `"${String(value)}"` : String(value)}`)
    .join(' ');
}

/**
 * Whether the options that XLA compiles with can be had: where flags say themselves where it dumps to, what lies there may
 * be of any run.
 */
export function hasOptionsDump(flags: XlaFlags): boolean {
  return Object.keys(flags).length > 0 && !('xla_dump_to' in flags);
}

/** Flags with what makes XLA write down the options that it compiles with, where they can be had. */
export function withOptionsDump(flags: XlaFlags, scratch: string): XlaFlags {
  if (!hasOptionsDump(flags)) return flags;
  return { ...flags, xla_dump_to: `${scratch}/${XLA_OPTIONS.folder}`, xla_dump_hlo_module_re: 'jit_train_step' };
}

/** Flags in one line, each value in one spelling, to compare what was asked with what is in force. */
export function describeFlags(flags: XlaFlags): string {
  return Object.keys(flags)
    .toSorted()
    .map((name) => `--${name}=${spelling(flags[name] ?? '')}`)
    .join(' ');
}

/**
 * What `asked` flags are in force by the text of XLA's options, a protocol buffer: what it leaves out is false, 0 or
 * empty there.
 */
export function flagsInForce(asked: XlaFlags, optionsText: string): XlaFlags {
  const options = new Map<string, string[]>();
  for (const [, name = '', value = ''] of optionsText.matchAll(/^\s*(\w+): (.*)$/gm)) {
    options.set(name, [...(options.get(name) ?? []), value.replaceAll('"', '')]);
  }
  return Object.fromEntries(
    Object.entries(asked).map(([name, value]) => {
      // Some flags of durations lack the unit that their option names.
      const inForce = options.get(name) ?? options.get(`${name}_seconds`);
      return [name, inForce?.join(',') ?? zeroOf(value)];
    }),
  );
}

/** XLA reads `True`, `1.0` and `''` as people write them. */
function spelling(value: Scalar): string {
  const text = String(value).trim().replaceAll(/^''$/g, '');
  if (/^(true|false)$/i.test(text)) return text.toLowerCase();
  return text === '' || !Number.isFinite(Number(text)) ? text : String(Number(text));
}

function zeroOf(value: Scalar): Scalar {
  const plain = spelling(value);
  if (plain === 'true' || plain === 'false') return false;
  return plain !== '' && Number.isFinite(Number(plain)) ? 0 : '';
}
