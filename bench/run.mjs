// Compiles and runs bench/*.bench.ts one after the other: `npm run bench [-- name ...]`.
// A bench prints its figures and ends with a non-zero code when it misses its budget.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = new URL('.', import.meta.url);
const out = new URL('../node_modules/.cache/bench/', here);
const suffix = '.bench.ts';

const known = readdirSync(here)
  .filter((file) => file.endsWith(suffix))
  .map((file) => file.slice(0, -suffix.length))
  .sort();
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`no bench named ${unknown.join(', ')}; there are: ${known.join(', ')}\n`);
  process.exit(2);
}

mkdirSync(out, { recursive: true });
// Below node_modules no package.json says that the output is ESM.
writeFileSync(new URL('package.json', out), '{ "type": "module" }\n');
const tsc = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', here));
if (run([tsc, '-p', fileURLToPath(here)]) !== 0) process.exit(1);

const missed = (asked.length > 0 ? asked : known).filter((name) => {
  process.stdout.write(`\n# ${name}\n`);
  return run([fileURLToPath(new URL(`bench/${name}.bench.js`, out))]) !== 0;
});
if (missed.length > 0) process.stdout.write(`\nmissed: ${missed.join(', ')}\n`);
process.exit(missed.length > 0 ? 1 : 0);

function run(argv) {
  const { status } = spawnSync(process.execPath, argv, { stdio: 'inherit' });
  return status ?? 1;
}
