import { readFileSync, writeSync } from 'node:fs';
import { v7 as uuidv7 } from 'uuid';
import { appendToCatalog } from '../../dist/evidence/store/catalog.js';
import { forgetLive, noteLive } from '../../dist/evidence/store/live-runs.js';
import { createRun, fingerprintSidecars, readOwnManifest, RunWriter } from '../../dist/evidence/run-writer.js';
import { runFolder } from '../../dist/evidence/run-folder.js';
import { processIdentity } from '../../dist/core/process-start.js';

// Run as a process of its own, which is killed: writes one run after the other, and says what is on disk by now.
const [artifacts, template] = process.argv.slice(2);
const { manifest: first, resolvedConfig } = JSON.parse(readFileSync(template, 'utf8'));

/** Says what was acknowledged to the writer, at once: a buffer would die with this process. */
function tell(fact) {
  writeSync(1, `${JSON.stringify(fact)}\n`);
}

async function writeRun() {
  const manifest = { ...first, run_id: uuidv7() };
  const { test_id: testId, cell_id: cellId, workload_hash: workloadHash, run_id: runId } = manifest;
  const folder = runFolder(artifacts, { testId, cellId, workloadHash, runId });
  tell({ folder });
  noteLive(artifacts, {
    run_id: runId,
    labels: [runId],
    folder,
    on: {},
    holder: processIdentity(),
    output: null,
    secrets: {},
  });
  createRun(folder, { manifest, resolvedConfig });
  const writer = new RunWriter(folder);
  writer.events.record('prepare.start', {});
  await writeRows(writer);
  writer.manifest({ ...readOwnManifest(folder), tags: ['updated'] });
  writer.attach('result.json', '{}\n');
  const rows = await writer.toParquet();
  writer.verification({
    verification_hash: manifest.verification_hash,
    verified_at: manifest.timestamp_start,
    tool: { name: 'vitest-assay', version: '0.0.0' },
    enforce: false,
    status: 'recorded',
    failure: null,
    patterns: null,
    thresholds: [],
    verdicts: [],
  });
  writer.events.close();
  const ended = writer.manifest({
    ...readOwnManifest(folder),
    status: 'recorded',
    timestamp_end: new Date().toISOString(),
    sidecars: await fingerprintSidecars(folder, rows),
  });
  tell({ hasEnded: true });
  appendToCatalog(artifacts, folder, ended);
  forgetLive(artifacts, runId);
}

/** Writes rows that say which they are, a flush after each few of them. */
async function writeRows(writer) {
  let rows = 0;
  for (let batch = 0; batch < 4; batch += 1) {
    const end = rows + 25;
    for (; rows < end; rows += 1) {
      writer.sample(sampleRow(rows));
      writer.point({ step: rows, tsMs: rows, metric: 'loss', value: rows, role: 'server', host: 'n1', rank: null });
    }
    await writer.flush();
    tell({ rows });
  }
}

function sampleRow(index) {
  const times = { ttftMs: index, tpotMs: 1, itlMs: 1, e2elMs: 1, latenessMs: null };
  const place = { role: 'server', host: 'n1' };
  const counts = { inputTokens: 1, outputTokens: 1, itlsMs: [1, 2] };
  return { requestId: `r${index}`, tsMs: index, ok: true, error: null, ...times, ...place, ...counts };
}

// What is loaded when the first run needs it is no part of the time in which this process is killed.
await writeRun();
const startedMs = performance.now();
await writeRun();
tell({ runMs: performance.now() - startedMs });
for (;;) await writeRun();
