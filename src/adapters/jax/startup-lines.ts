import { plainLine } from '../shared/role-logs.ts';

/** What MaxText says of itself before the first step: of several starts, the last. */
export interface Startup {
  /** Its options in force, by name, as Python prints them. */
  readonly config: ReadonlyMap<string, string>;
  /** Versions of what it runs on. */
  readonly versions: Readonly<Record<string, string>>;
  /** Devices of the whole job; null where it does not say. */
  readonly devices: number | null;
}

const CONFIG_PARAM = /Config param (\w+): ?(.*)$/;
const VERSIONS: Readonly<Record<string, RegExp>> = {
  jax: /System Information: Jax Version: (\S+)/,
  jaxlib: /System Information: Jaxlib Version: (\S+)/,
  orbax: /orbax-checkpoint version: (\S+)/,
};
const DEVICES = /Num_devices: (\d+), shape/;

/** Reads what a log says of the options, versions and devices of its training. */
export function readStartup(lines: readonly string[]): Startup {
  const config = new Map<string, string>();
  const versions: Record<string, string> = {};
  let devices: number | null = null;
  for (const line of lines.map(plainLine)) {
    const [, name, value] = CONFIG_PARAM.exec(line) ?? [];
    if (name !== undefined && value !== undefined) config.set(name, plainValue(value));
    for (const [what, pattern] of Object.entries(VERSIONS)) {
      const version = pattern.exec(line)?.[1];
      if (version !== undefined) versions[what] = version;
    }
    devices = numberIn(DEVICES.exec(line)) ?? devices;
  }
  return { config, versions, devices };
}

/** A member of a Python enum prints as `Type.MEMBER`, and means its value. */
function plainValue(text: string): string {
  const member = /^[A-Z][A-Za-z]+\.([A-Z0-9_]+)$/.exec(text.trim())?.[1];
  if (member === undefined) return text.trim();
  return member === 'NONE' ? '' : member.toLowerCase();
}

function numberIn(match: RegExpExecArray | null): number | null {
  return match === null ? null : Number(match[1]);
}
