// Adds up Vitest's JSON reports and names what failed, last, where the end of a log shows it;
// a failed step without a report still counts as a failure.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';

const MESSAGE_LINES = 12;

const [failedSteps = '0', folder = '.'] = process.argv.slice(2);
const reports = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => ({
    step: basename(name, '.json'),
    ...JSON.parse(readFileSync(join(folder, name), 'utf8')),
  }));
const sum = (field) => reports.reduce((total, report) => total + report[field], 0);

const printFailure = (where, name, message) => {
  console.log(`FAILED in ${where} > ${name}`);
  for (const line of message.split('\n').slice(0, MESSAGE_LINES)) console.log(`    ${line}`);
};
for (const { step, testResults } of reports) {
  for (const { name: file, status, message, assertionResults } of testResults) {
    const where = `${step}: ${relative(process.cwd(), file)}`;
    const failures = assertionResults.filter((test) => test.status === 'failed');
    for (const test of failures) printFailure(where, test.fullName, test.failureMessages.join('\n'));
    if (status === 'failed' && failures.length === 0) printFailure(where, 'the file', message);
  }
}

const passed = sum('numPassedTests');
const failed = Math.max(sum('numFailedTests'), Number(failedSteps));
const skipped = sum('numPendingTests');
if (skipped > 0) console.log(`${skipped} skipped, each with its reason above`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
