import { writeSync } from 'node:fs';
import { amend } from './amend.mjs';

// Run as a process of its own, which is killed: amends a run again and again, and says which amendments are done.
const [folder, name] = process.argv.slice(2);
for (let number = 0; ; number += 1) {
  const token = `${name}-${number}`;
  await amend(folder, token);
  writeSync(1, `${token}\n`);
}
