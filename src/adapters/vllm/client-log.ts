import { plainLine } from '../shared/role-logs.ts';

const WARM_UPS = /^Warming up with (\d+) requests\.\.\./;
const TEST_RUN = /^Initial test run completed\./;

/** How many requests the load client sent before the measured ones, by what it printed. Each is like the first of them. */
export function requestsBefore(lines: readonly string[]): number {
  return lines.map(plainLine).reduce((sum, line) => {
    const warmUps = Number(WARM_UPS.exec(line)?.[1] ?? 0);
    // Up to 0.13 the client tried one request by default, and does it on demand since.
    return sum + warmUps + Number(TEST_RUN.test(line));
  }, 0);
}
