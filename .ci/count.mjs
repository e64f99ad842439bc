// Adds up Vitest's JSON reports; a failed step without a report still counts as a failure.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [failedSteps = '0', folder = '.'] = process.argv.slice(2);
const reports = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')));
const sum = (field) => reports.reduce((total, report) => total + report[field], 0);

const passed = sum('numPassedTests');
const failed = Math.max(sum('numFailedTests'), Number(failedSteps));
const skipped = sum('numPendingTests');
if (skipped > 0) console.log(`${skipped} skipped, each with its reason above`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
