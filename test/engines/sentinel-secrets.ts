import { createHash, randomBytes } from 'node:crypto';

/** A secret that is made to be found wherever it leaks. */
export interface Sentinel {
  /** The variable that holds it. */
  readonly variable: string;
  /** Its name in `secrets:` of a config. */
  readonly label: string;
  readonly value: string;
  /** The random parts of the value: a piece of one is a leak too. */
  readonly cores: readonly string[];
}

// Of hex digits, by which nothing else of a run begins in the same way.
const FRAGMENT_LENGTH = 12;

const core = (): string => randomBytes(16).toString('hex');

/** New ones: with the signs of shells and markup, with the syntax of JSON, and with several lines. */
export function makeSentinels(): readonly [Sentinel, Sentinel, Sentinel] {
  const [awkward, syntax, first, second] = [core(), core(), core(), core()] as const;
  return [
    {
      variable: 'SENTINEL_AWKWARD',
      label: 'awkward',
      value: String.raw`it's "${awkward}" $HOME \n %41 ü→😀 <b>&amp;#`,
      cores: [awkward],
    },
    { variable: 'SENTINEL_SYNTAX', label: 'syntax', value: `","token":"${syntax}","x":{"y":["`, cores: [syntax] },
    {
      variable: 'SENTINEL_LINES',
      label: 'lines',
      value: `-----BEGIN 'KEY'-----\n${first}=="$\n  ${second}\\\n-----END KEY-----\n`,
      cores: [first, second],
    },
  ];
}

/** What a program prints that had it. */
export function proofOf({ variable, value }: Sentinel): string {
  return `proof ${variable} ${createHash('sha256').update(value).digest('hex')}`;
}

/** The `secrets:` of a config. */
export function declared(sentinels: readonly Pick<Sentinel, 'label' | 'variable'>[]): string {
  const entries = sentinels.map(({ label, variable }) => [
    label,
    { kind: 'SecretValue', source: 'env', env_var: variable },
  ]);
  return JSON.stringify(Object.fromEntries(entries));
}

/** The environment that holds them. */
export function holding(sentinels: readonly Sentinel[]): Readonly<Record<string, string>> {
  return Object.fromEntries(sentinels.map(({ variable, value }) => [variable, value]));
}

interface Needle {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Looks for sentinels, and for pieces of them. */
export class SentinelSearch {
  readonly #needles: readonly Needle[];

  constructor(sentinels: readonly Sentinel[]) {
    this.#needles = sentinels.flatMap(needlesOf);
  }

  /** What was found, with its surroundings; nothing is what is wanted. */
  leaksIn(place: string, content: string | Buffer): readonly string[] {
    const bytes = Buffer.from(content);
    const found = this.#needles.find((needle) => bytes.includes(needle.bytes));
    if (found === undefined) return [];
    const at = bytes.indexOf(found.bytes);
    const around = bytes.subarray(Math.max(0, at - 80), at + found.bytes.length + 40).toString();
    return [`${found.name} in ${place}: ${JSON.stringify(around)}`];
  }
}

function needlesOf({ label, value, cores }: Sentinel): readonly Needle[] {
  const forms = Object.entries(formsOf(value)).map(([form, text]) => needle(`${label} as ${form}`, text));
  const pieces = cores.flatMap((text) =>
    Array.from({ length: text.length - FRAGMENT_LENGTH + 1 }, (_, at) =>
      needle(`a piece of ${label}`, text.slice(at, at + FRAGMENT_LENGTH)),
    ),
  );
  return [...forms, ...pieces];
}

function needle(name: string, text: string): Needle {
  return { name, bytes: Buffer.from(text) };
}

// Written down here once more: what a product hides must not be looked up in what it hides.
function formsOf(value: string): Readonly<Record<string, string>> {
  const bytes = Buffer.from(value.trim());
  return {
    plain: value.trim(),
    json: JSON.stringify(value.trim()).slice(1, -1),
    url: encodeURIComponent(value.trim()),
    base64: bytes.toString('base64').slice(0, -4),
    base64url: bytes.toString('base64url').slice(0, -4),
    // As a part of what was encoded, after one byte more than a multiple of three, and after two.
    base64_after_1: Buffer.concat([Buffer.from('1'), bytes])
      .toString('base64')
      .slice(4, -4),
    base64_after_2: Buffer.concat([Buffer.from('12'), bytes])
      .toString('base64')
      .slice(4, -4),
    hex: bytes.toString('hex'),
    HEX: bytes.toString('hex').toUpperCase(),
  };
}
