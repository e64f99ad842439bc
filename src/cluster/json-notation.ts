import type { Problem } from '../config/yaml/problem.ts';

// As far as this matches, a text is made of the words of JSON, with no comma before a closing bracket.
const WORDS =
  /^(?:\s|"(?:[^"\\\n\r\t]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[{}[\]:]|,(?!\s*[}\]]))*/u;

/**
 * Where a text stops being made of JSON's words; null when it is made of nothing else. Whether they stand in
 * order is left to YAML, whose flow notation has the same brackets.
 */
export function findForeignNotation(file: string, text: string): Problem | null {
  const sound = WORDS.exec(text)?.[0] ?? '';
  const [word] = /^(?:[^\s,:{}[\]]+|.)/u.exec(text.slice(sound.length)) ?? [];
  if (word === undefined) return null;
  const lines = sound.split('\n');
  const place = { file, line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1, path: '' };
  return { ...place, ...explain(word) };
}

function explain(word: string): Pick<Problem, 'message' | 'hint'> {
  if (/^(?:#|\/[/*])/.test(word))
    return { message: 'JSON has no comments', hint: 'remove it, or name the file *.yaml' };
  if (word === ',') return { message: 'a comma before the closing bracket', hint: 'remove it' };
  return { message: `${word} is not JSON`, hint: 'put names and texts in double quotes, or name the file *.yaml' };
}
