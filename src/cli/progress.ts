/** Shows a line on the terminal while something is being worked out, and takes it away again. */
export async function withProgress<Result>(line: string, work: () => Promise<Result>): Promise<Result> {
  if (!process.stderr.isTTY) return work();
  process.stderr.write(` ${line}`);
  try {
    return await work();
  } finally {
    process.stderr.write('\r\u001B[K');
  }
}
