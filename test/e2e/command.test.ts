import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import { COMMAND, NODE, ONE_CELL, Project } from './project.ts';

let project: Project;
beforeAll(async () => {
  project = new Project({ 'configs/quick.yaml': ONE_CELL });
  await project.run();
});

const assay = async (...args: readonly string[]) => {
  const { stdout, stderr, exitCode } = await execa(NODE, [COMMAND, ...args], {
    cwd: project.root,
    reject: false,
  });
  return { stdout, stderr, exitCode };
};

describe('commands on stored runs', () => {
  const commands = [
    ['verify'],
    ['export', '-o', 'x.parquet'],
    ['query', 'FROM runs'],
    ['gc', '--keep-last', '1'],
    ['reap'],
  ];
  const told = (empty: Project) =>
    Promise.all(
      commands.map(async (args) => {
        const { all } = await execa(NODE, [COMMAND, ...args], { cwd: empty.root, reject: false, all: true });
        return `${args[0]}: ${all}`;
      }),
    );

  it('look where the plugin says, and say so', async () => {
    const config = `import { assay } from 'vitest-assay';\nexport default { plugins: [assay({ artifacts: 'kept' })] };\n`;
    const empty = new Project({ 'configs/quick.yaml': ONE_CELL, 'vitest.config.js': config });
    const where = 'looked in kept, as assay({ artifacts }) in vitest.config.js says: name another folder';
    expect(await told(empty)).toEqual([
      'verify: no stored run - looked in kept, as the plugin says: name another folder behind the command',
      `export: nothing to export: no run in kept has ended - ${where} behind the command`,
      `query: no run in kept has ended: there is nothing to ask - ${where} with --artifacts`,
      `gc: 0 runs would go, 0 B\n${where} behind the command`,
      `reap: 0 dead runs, 0 still running - ${where} behind the command`,
    ]);
  });

  it('look in runs where nothing says otherwise, and refuse a config that may say so and does not load', async () => {
    const empty = new Project({});
    const ask = ['query', 'FROM runs'];
    const inRuns = await execa(NODE, [COMMAND, ...ask], { cwd: empty.root, reject: false });
    expect(inRuns.stderr).toMatch(/looked in runs, the default: name another folder with --artifacts$/);
    empty.write('vitest.config.js', 'export default { artifacts: here };');
    const broken = await execa(NODE, [COMMAND, ...ask], { cwd: empty.root, reject: false });
    expect([broken.exitCode, broken.stderr]).toEqual([
      2,
      expect.stringMatching(
        /^AssayError: vitest\.config\.js says where .* not load\n {3}next: mend it, .* --artifacts$/,
      ),
    ]);
  });
});

describe('assay verify --evidence', () => {
  it('passes runs that are whole', async () => {
    expect(await assay('verify', '--evidence')).toEqual({
      stdout: '1 run checked, 0 damaged',
      stderr: '',
      exitCode: 0,
    });
  });

  it('names every file that is gone or changed, for people and as JSON', async () => {
    const [run] = project.runFolders();
    const copies = join(project.root, 'copies');
    const copy = (name: string) => join(copies, 'quick/cell/hash', name);
    for (const name of ['a', 'b', 'c']) cpSync(run!, copy(name), { recursive: true });
    rmSync(join(copy('a'), 'manifest.json'));
    rmSync(join(copy('b'), 'samples.parquet'));
    const events = readFileSync(join(copy('c'), 'events.jsonl'), 'utf8');
    writeFileSync(join(copy('c'), 'events.jsonl'), events.replace('"ok":true', '"ok":null'));
    const { stdout, exitCode } = await assay('verify', '--evidence', 'copies');
    expect(exitCode).toBe(1);
    expect(stdout.replaceAll(/sha256:[0-9a-f]{64}/g, '<sha256>')).toMatchInlineSnapshot(`
      " ✗ manifest.json is missing from copies/quick/cell/hash/a
         next: restore the file, or delete the run directory and run the cell again
       ✗ samples.parquet is missing from copies/quick/cell/hash/b
         next: restore the file, or delete the run directory and run the cell again
       ✗ copies/quick/cell/hash/c/events.jsonl has <sha256>, <sha256> was recorded
         next: the run can no longer be judged: restore the file, or run the cell again
      3 runs checked, 3 damaged"
    `);
    const { runs } = JSON.parse((await assay('verify', '--evidence', 'copies', '--json')).stdout) as {
      runs: { problem: { message: string } | null }[];
    };
    expect(runs.map(({ problem }) => problem?.message.split(' ')[0])).toEqual([
      'manifest.json',
      'samples.parquet',
      join(copy('c'), 'events.jsonl'),
    ]);
  });

  it.each([
    [['verify', '--evidence', 'nowhere'], /there is no folder \S*nowhere\n {3}next: name an artifact directory/],
    [['verify', '--evidence', '--dry-run'], /--dry-run chooses nothing for --evidence/],
    [['verify', '--evidence', '--jsn'], /there is no option --jsn\n {3}next: did you mean --json\?/],
    [['verfy'], /Unknown command .*verfy.* - see assay --help/],
  ])('%j is a usage error in two lines', async (args, message) => {
    const { stderr, exitCode } = await assay(...args);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('    at ');
    expect(exitCode).toBe(2);
  });

  it('says which version it is', async () => {
    const { stdout, exitCode } = await assay('--version');
    expect(stdout).toBe('0.1.0');
    expect(exitCode).toBe(0);
  });

  it('explains itself with examples', async () => {
    const { stdout, exitCode } = await assay('verify', '--help');
    expect(stdout).toContain('assay verify --evidence runs/my_test    only those of one config');
    expect(exitCode).toBe(0);
  });
});
