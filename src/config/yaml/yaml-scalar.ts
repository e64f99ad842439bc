import { boolCoreTag, floatCoreTag, intCoreTag, NOT_RESOLVED, nullCoreTag, strTag } from 'js-yaml';
import type { Complaint } from './problem.ts';
import { shorten, show } from '../issues/show.ts';

const IMPLICIT_TAGS = [nullCoreTag, boolCoreTag, intCoreTag, floatCoreTag] as const;
const TAGS = new Map([strTag, ...IMPLICIT_TAGS].map((tag) => [tag.tagName.replace('tag:yaml.org,2002:', '!!'), tag]));

// Nothing else can begin a null, a boolean or a number.
const NEEDS_READING = /^(?:$|[~nNtTfF.+\d-])/;

/** The value of a plain (unquoted) scalar in YAML 1.2: `8` is a number, `yes` a string, nothing at all is null. */
export function plainValue(text: string): unknown {
  if (!NEEDS_READING.test(text)) return text;
  for (const tag of IMPLICIT_TAGS) {
    const value = tag.resolve(text, false, tag.tagName);
    if (value !== NOT_RESOLVED) return value;
  }
  return text;
}

/** The value of a scalar with an explicit tag such as `!!str`; undefined when the tag is unknown or does not fit. */
export function taggedValue(tagName: string, text: string): unknown {
  const tag = TAGS.get(tagName);
  const value = tag?.resolve(text, true, tag.tagName);
  return value === NOT_RESOLVED ? undefined : value;
}

/** What is wrong with a plain scalar that is not what its writer thinks; null for nearly all. */
export function plainTrap(text: string): Complaint | null {
  return NEEDS_READING.test(text) ? (numberTrap(text) ?? lookalikeTrap(text)) : lookalikeTrap(text);
}

const INTEGER = /^(?:[-+]?\d+|0x[\da-f]+|0o[0-7]+)$/i;
const NUMBER = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i;
const NOT_FINITE = /^(?:[-+]?\.inf|\.nan)$/i;

/** What is wrong with a plain scalar that is a number which no number can hold; null for any other scalar. */
export function numberTrap(text: string): Complaint | null {
  if (NOT_FINITE.test(text)) {
    return { message: `${text} is not a finite number`, hint: 'write a number, or leave the field out' };
  }
  if (INTEGER.test(text) && !Number.isSafeInteger(Number(text))) {
    return {
      message: `${shorten(text)} is beyond 2^53 and would be rounded`,
      hint: `write a smaller number, or "${shorten(text)}" in quotes if it is an id`,
    };
  }
  if (NUMBER.test(text) && !Number.isFinite(Number(text))) {
    return { message: `${shorten(text)} is too large for a number`, hint: 'write a smaller number' };
  }
  return null;
}

const ODD_SPACE = /[\u00A0\u1680\u2000-\u200B\u202F\u205F\u3000\uFEFF]/;
const ODD_QUOTE = /^[\u2018-\u201F\u00AB]/;

const ASCII = /^[\0-\x7F]*$/;

/** What is wrong with plain text that has characters which only look like quotes or spaces; null for any other. */
export function lookalikeTrap(text: string): Complaint | null {
  if (ASCII.test(text)) return null;
  const [quote] = ODD_QUOTE.exec(text) ?? [];
  if (quote !== undefined) {
    return { message: `${quote} is not a quote in YAML`, hint: 'write " or \' instead' };
  }
  const [space] = ODD_SPACE.exec(text) ?? [];
  if (space === undefined) return null;
  const code = space.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
  return {
    message: `${show(text)} has a character that looks like a space and is none (U+${code})`,
    hint: 'type it again with the space bar, or put the text in quotes',
  };
}
