import { shorten, show } from '../issues/show.ts';
import type { Complaint } from './problem.ts';

/** `seed: 1` and further down `seed: 2`. */
export function duplicateKey(firstLine: number): Complaint {
  return { message: `is already written in line ${firstLine}`, hint: 'keep one of the two' };
}

/** `<<: *base`. */
export const mergeKey: Complaint = {
  message: '<< is not a field: YAML 1.2 merges nothing',
  hint: 'write the fields out',
};

/** `: 1` without a name before the colon. */
export const namelessField: Complaint = {
  message: 'a field has no name before its colon',
  hint: 'write `name: value`',
};

/** `? [a, b]`, `{{ template }}`. */
export const complexKey: Complaint = {
  message: 'a list or a mapping stands where the name of a field is needed',
  hint: 'write `name: value`; if it is text with braces or brackets, put all of it in quotes',
};

/** `__proto__: 1`. */
export const reservedName: Complaint = { message: 'no field is called __proto__', hint: 'remove it' };

/** `{count:1}`. */
export function gluedField(name: string, value: string): Complaint {
  return {
    message: `${shorten(`${name}:${value}`)} has no space after the colon`,
    hint: `write \`${shorten(`${name}: ${value}`)}\``,
  };
}

/** `op: >`: YAML expects a block of text below. */
export function emptyBlock(mark: string): Complaint {
  return {
    message: `${mark} begins a block of text, and none follows`,
    hint: `write "${mark}" in quotes if it is the value, or indent the text below it`,
  };
}

/** `!!binary x`, `!gpu`. */
export function unknownTag(tag: string, whole: string): Complaint {
  return {
    message: `${shorten(tag)} is a YAML tag that means nothing here`,
    hint: `remove it, or write ${show(whole)} in quotes if it is text`,
  };
}

/** `*base` without a `&base` before it. */
export function unknownAlias(alias: string, meant: string | null): Complaint {
  return {
    message: `${shorten(`*${alias}`)} repeats a value, and none above is marked ${shorten(`&${alias}`)}`,
    hint:
      meant === null
        ? `write ${show(`*${alias}`)} in quotes if it is text, or the value itself`
        : `did you mean *${shorten(meant)}?`,
  };
}

/** `&a [*a]`. */
export function endlessAlias(alias: string): Complaint {
  return { message: `${shorten(`*${alias}`)} stands inside the value that it repeats`, hint: 'write the value out' };
}

/** Aliases of aliases that write out to more than anybody meant. */
export function oversizedAlias(alias: string, limit: string): Complaint {
  return { message: `with ${shorten(`*${alias}`)} this document has more than ${limit}`, hint: 'repeat less' };
}

/** A second `---`. */
export const secondDocument: Complaint = {
  message: 'a second document begins here, and a file is one',
  hint: 'remove the ---, or move what follows to a file of its own',
};

/** Nothing, or nothing but comments. */
export const emptyFile: Complaint = { message: 'is empty', hint: 'write its fields, one `name: value` a line' };
