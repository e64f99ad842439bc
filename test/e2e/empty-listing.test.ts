import { mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { createVitest } from 'vitest/node';
import type { PlannedClaim } from '../../src/session/planned-claim.ts';
import { explainEmptyListing } from '../../src/vitest/select/listing.ts';
import { cellOf, claimOf, claimsAbout } from '../unit/vitest/select/claims-of-cells.ts';
import { TOOLCHAIN } from './toolchain.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'assay-listing-')));
symlinkSync(dirname(TOOLCHAIN.vitest), join(root, 'node_modules'));
const head = `import { test } from 'vitest';\n`;
writeFileSync(join(root, 'made.test.mjs'), `${head}for (const name of ['one', 'two']) test(name, () => {});\n`);
writeFileSync(join(root, 'skipped.test.mjs'), `${head}test.skip('later', () => {});\n`);
writeFileSync(join(root, 'broken.test.mjs'), 'throw new Error("broken");\n');

interface Question {
  readonly files: string;
  readonly selected?: readonly PlannedClaim[];
  readonly emptyShard?: string;
  readonly filesOnly?: true;
}

const exitCode = process.exitCode;
afterEach(() => {
  process.exitCode = exitCode;
});

/** What a listing of some files says to people, and the exit code it leaves. */
async function list({ files, selected = [], emptyShard, filesOnly }: Question) {
  let told = '';
  const people = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      told += String(chunk);
      done();
    },
  });
  process.exitCode = undefined;
  const vitest = await createVitest('test', { config: false, root, watch: false }, {}, { stderr: people });
  explainEmptyListing(vitest, {
    selected: () => selected,
    explainEmpty: () => ['no claim selected - because'],
    explainEmptyShard: () => emptyShard ?? null,
  });
  const tests = filesOnly === undefined ? (await vitest.collect([files])).testModules : [];
  if (filesOnly !== undefined) await vitest.getRelevantTestSpecifications([files]);
  await vitest.close();
  return {
    told: told.trim(),
    exitCode: process.exitCode,
    names: tests.flatMap((module) => [...module.children.allTests()]).map(({ name }) => name),
  };
}

const skipped = claimsAbout([cellOf({ framework: 'vllm', id: 'a', skip: 'insufficient_nodes' })], [claimOf('ttft')]);

describe('vitest list', () => {
  it('finds tests that are made when their file is loaded, and has nothing to explain', async () => {
    expect(await list({ files: 'made' })).toEqual({ told: '', exitCode: undefined, names: ['one', 'two'] });
  });

  it.each(['skipped', 'no-such-file'])('fails and says why when there is nothing to list: %s', async (files) => {
    expect(await list({ files })).toMatchObject({ told: 'no claim selected - because', exitCode: 1 });
  });

  it('of files does so too', async () => {
    expect(await list({ files: 'no-such-file', filesOnly: true })).toMatchObject({ exitCode: 1 });
    expect(await list({ files: 'made', filesOnly: true })).toMatchObject({ told: '', exitCode: undefined });
  });

  it('does not fail a shard that others left nothing', async () => {
    const emptyShard = 'shard 4/4 has no cell: 3 cells over 4 shards';
    expect(await list({ files: 'skipped', emptyShard })).toMatchObject({ told: emptyShard, exitCode: undefined });
  });

  it('does not fail when what is selected is skipped', async () => {
    expect(await list({ files: 'skipped', selected: skipped })).toMatchObject({
      told: '1 claim is selected, and none would run: insufficient_nodes (need 4, have 1)',
      exitCode: undefined,
    });
  });

  it('leaves a broken file to Vitest', async () => {
    expect((await list({ files: 'broken' })).told).not.toContain('no claim selected');
  });
});
