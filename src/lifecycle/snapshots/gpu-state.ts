/** The tools that tell about GPUs, in the order in which they are tried. */
export const GPU_TOOLS = ['nvidia-smi', 'amd-smi', 'rocm-smi'] as const;

/** A tool that tells about GPUs. */
export type GpuTool = (typeof GPU_TOOLS)[number];

/** One GPU as its tool sees it; null is not measured. */
export interface GpuDevice {
  readonly index: number;
  readonly name: string | null;
  /** As `target_gpu` names it; null for a name that is not known here. */
  readonly family: string | null;
  readonly uuid: string | null;
  /** The version of the driver. */
  readonly driver: string | null;
  /** Of its hottest known sensor, the junction, where the tool tells several apart. */
  readonly temperatureC: number | null;
  /** 100 has been seen on an idle AMD GPU. */
  readonly utilizationPct: number | null;
  readonly memoryTotalMib: number | null;
  readonly memoryUsedMib: number | null;
  readonly powerW: number | null;
  /** Uncorrectable memory errors since the driver was loaded. */
  readonly eccUncorrectable: number | null;
}

/** What the GPUs of a host were like at one moment. */
export type GpuState =
  | {
      readonly state: 'measured';
      readonly tool: GpuTool;
      readonly toolVersion: string | null;
      readonly devices: readonly GpuDevice[];
      /** Questions that the tool did not answer; what they ask for is null. */
      readonly problems: readonly string[];
    }
  /** A fact about the host: no tool, so no GPU that anybody could use. */
  | { readonly state: 'absent'; readonly tool: null; readonly reason: string; readonly devices: readonly [] }
  /** A tool is there, or may be, and tells nothing of use. */
  | {
      readonly state: 'unreadable';
      readonly tool: GpuTool | null;
      readonly problem: string;
      readonly devices: readonly [];
    };

/** What a tool's answers say: its devices, and which question went without an answer. */
export type GpuReading =
  | { readonly kind: 'devices'; readonly devices: readonly GpuDevice[]; readonly problems: readonly string[] }
  | { readonly kind: 'problem'; readonly problem: string };

/** The number that a text begins with, whatever its unit: `22.89 W` is 22.89, `[N/A]` is null. */
export function leadingNumber(text: string): number | null {
  const digits = /^-?\d{1,20}(?:\.\d{1,20})?(?=\s|%|$)/.exec(text.trim())?.[0];
  return digits === undefined ? null : Number(digits);
}

/** A text that a tool told; null for its ways to say that there is none. */
export function toldText(text: string): string | null {
  const told = text.trim();
  return told === '' || /^\[?(?:n\/a|not supported|unknown(?: error)?|none)\]?$/i.test(told) ? null : told;
}
