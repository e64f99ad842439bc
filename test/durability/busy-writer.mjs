import { readFileSync } from 'node:fs';
import { v7 as uuidv7 } from 'uuid';
import { appendToCatalog } from '../../dist/evidence/store/catalog.js';
import { forgetLive, noteLive } from '../../dist/evidence/store/live-runs.js';
import { runFolder } from '../../dist/evidence/run-folder.js';
import { createRun, fingerprintSidecars, RunWriter } from '../../dist/evidence/run-writer.js';
import { processIdentity } from '../../dist/core/process-start.js';
import { amend } from './amend.mjs';

// One of two processes that write in the same artifact directory: runs of its own, and amendments of those of both.
const [artifacts, template, writer, runs, amendments, ...shared] = process.argv.slice(2);
const { manifest: first, resolvedConfig } = JSON.parse(readFileSync(template, 'utf8'));
const EVENTS = 20;
const counts = { operations: 0, runs: [], amendments: [] };

function did(count) {
  counts.operations += count;
}

async function writeRun(number) {
  const manifest = { ...first, run_id: uuidv7(), tags: [writer, String(number)] };
  const { test_id: testId, cell_id: cellId, workload_hash: workloadHash, run_id: runId } = manifest;
  const folder = runFolder(artifacts, { testId, cellId, workloadHash, runId });
  const holder = processIdentity();
  noteLive(artifacts, { run_id: runId, labels: [runId], folder, on: {}, holder, output: null, secrets: {} });
  createRun(folder, { manifest, resolvedConfig });
  const own = new RunWriter(folder);
  for (let step = 0; step < EVENTS; step += 1) {
    own.events.record('step', { step, loss: number });
    await own.flush();
  }
  await own.closeTables();
  own.events.close();
  const ended = { ...manifest, status: 'recorded', sidecars: await fingerprintSidecars(folder, {}) };
  const written = own.manifest(ended);
  appendToCatalog(artifacts, folder, written);
  forgetLive(artifacts, runId);
  did(EVENTS + 5);
  counts.runs.push(folder);
}

async function amendShared(folder, number) {
  const token = `${writer}-${number}`;
  await amend(folder, token);
  did(2);
  counts.amendments.push({ folder, token });
}

const perRun = Number(amendments) / Number(runs);
for (let number = 0; number < Number(runs); number += 1) {
  await writeRun(number);
  for (let index = Math.round(number * perRun); index < Math.round((number + 1) * perRun); index += 1)
    await amendShared(shared[index % shared.length], index);
}
process.stdout.write(JSON.stringify(counts));
