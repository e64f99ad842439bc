/** What every terminal shows side by side. */
export const SCREEN = 80;

/** Breaks a line at blanks where it is wider than a screen; what follows is indented. A word stays whole. */
export function wrap(line: string, indent: string): readonly string[] {
  if (line.length <= SCREEN) return [line];
  const start = line.length - line.trimStart().length;
  const fitting = line.lastIndexOf(' ', SCREEN);
  const end = fitting > start ? fitting : line.indexOf(' ', start);
  return end === -1 ? [line] : [line.slice(0, end), ...wrap(`${indent}${line.slice(end + 1)}`, indent)];
}
