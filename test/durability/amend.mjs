import { existsSync, readFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { amendRun } from '../../dist/evidence/amend-run.js';
import { draftOf, writeFileAtomically } from '../../dist/evidence/atomic-file.js';
import { withVerification, writeVerification } from '../../dist/evidence/verification.js';

/** Judges a run in a way of its own, and adds a line to a file of the run that every amendment adds one to. */
export async function amend(folder, token) {
  await amendRun(folder, async (manifest) => {
    const verification = writeVerification(folder, {
      verification_hash: `sha256:${(randomUUID() + randomUUID()).replaceAll('-', '')}`,
      verified_at: new Date().toISOString(),
      tool: { name: 'vitest-assay', version: '0.0.0' },
      enforce: false,
      status: 'recorded',
      failure: null,
      patterns: null,
      thresholds: [],
      verdicts: [],
    });
    const lines = join(folder, 'lines.txt');
    const before = existsSync(lines) ? readFileSync(lines, 'utf8') : '';
    writeFileAtomically(draftOf(lines), `${before}${token}\n`);
    const verifications = withVerification(manifest.verifications, verification);
    return {
      manifest: { ...manifest, tags: [...manifest.tags, token], verifications },
      files: { 'lines.txt': null, [verifications.at(-1).file]: null },
    };
  });
}
