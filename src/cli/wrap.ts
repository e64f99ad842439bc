/** What every terminal shows side by side. */
export const SCREEN = 80;

/** Breaks a line at blanks where it is wider than a screen; what follows is indented. A word stays whole. */
export function wrap(line: string, indent: string): readonly string[] {
  const lines: string[] = [];
  let rest = line;
  while (rest.length > SCREEN) {
    const end = rest.lastIndexOf(' ', SCREEN);
    if (rest.slice(0, end).trim() === '') break;
    lines.push(rest.slice(0, end));
    rest = `${indent}${rest.slice(end + 1)}`;
  }
  return [...lines, rest];
}
