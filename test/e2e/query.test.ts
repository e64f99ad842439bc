import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { endedManifest, leaveRun, leaveSamples } from '../unit/evidence/leave-run.ts';
import { sample } from '../unit/evidence/rows.ts';
import { COMMAND, NODE } from './project.ts';
import { noTerminal, Terminal } from './terminal.ts';

/** A folder with two runs of one cell in `runs`, and the command in it. */
async function project() {
  const root = mkdtempSync(join(tmpdir(), 'assay-query-'));
  for (const [ttftP99Ms, error] of [
    [73.4, 'reset, "by" peer\nand gone'],
    [40, null],
  ] as const) {
    const result = {
      scalars: { ttft_p99_ms: ttftP99Ms },
      applied: {},
      measured: { started_at_ms: null, duration_ms: null },
    };
    const folder = leaveRun(join(root, 'runs'), endedManifest({ cell_id: 'conc1', git_sha: 'a4f1e2c', result }));
    await leaveSamples(folder, [sample({ e2elMs: ttftP99Ms * 10, error })]);
  }
  const query = async (...args: readonly string[]) => {
    const { stdout, stderr, exitCode } = await execa(NODE, [COMMAND, 'query', ...args], {
      cwd: root,
      reject: false,
    });
    return { stdout, stderr, exitCode };
  };
  return { root, query };
}

describe('assay query', () => {
  it('prints a table, and what the examples of its help ask for', async () => {
    const { query } = await project();
    const help = await query('--help');
    const examples = [...help.stdout.matchAll(/assay query (["'])([^]*?)\1/g)].map(([, , sql = '']) => sql);
    expect(examples.length).toBeGreaterThanOrEqual(4);
    for (const sql of examples) expect(await query(sql)).toMatchObject({ stderr: '', exitCode: 0 });
    expect(
      await query('SELECT git_sha, median(ttft_p99_ms) AS ttft_p99_ms, count(*) AS runs FROM runs GROUP BY git_sha'),
    ).toEqual({
      stdout: [
        ' git_sha  ttft_p99_ms  runs',
        ' ───────  ───────────  ────',
        ' a4f1e2c         56.7     2',
        ' 1 row',
      ].join('\n'),
      stderr: '',
      exitCode: 0,
    });
  });

  it('prints CSV and JSON for other tools, from a file too', async () => {
    const { root, query } = await project();
    writeFileSync(join(root, 'q.sql'), 'SELECT e2el_ms, error, itls_ms\nFROM samples\nORDER BY e2el_ms;\n');
    expect((await query('--file', 'q.sql', '--csv')).stdout).toBe(
      'e2el_ms,error,itls_ms\r\n400,,"[3,4]"\r\n734,"reset, ""by"" peer\nand gone","[3,4]"\r\n'.trimEnd(),
    );
    const { stdout } = await query('--file', 'q.sql', '--json');
    expect(JSON.parse(stdout)).toEqual([
      { e2el_ms: 400, error: null, itls_ms: [3, 4] },
      { e2el_ms: 734, error: 'reset, "by" peer\nand gone', itls_ms: [3, 4] },
    ]);
  });

  it('answers nothing with the columns alone', async () => {
    const { query } = await project();
    const sql = 'SELECT run_id, status FROM runs WHERE false';
    expect(await query(sql)).toMatchObject({ stdout: ' run_id  status\n ──────  ──────\n 0 rows', exitCode: 0 });
    expect((await query(sql, '--csv')).stdout).toBe('run_id,status');
    expect((await query(sql, '--json')).stdout).toBe('[]');
  });

  it.skipIf(noTerminal)('shows as many rows as anybody reads on a terminal', async () => {
    const { root } = await project();
    const argv = [NODE, COMMAND, 'query', 'SELECT i FROM range(250) AS t(i), runs WHERE runs.ttft_p99_ms = 40'];
    const terminal = new Terminal(argv, { cwd: root, env: process.env });
    expect(await terminal.ended).toBe(0);
    const lines = terminal.screen.trimEnd().split('\n');
    expect(lines.filter((line) => /^ +\d+$/.test(line))).toHaveLength(200);
    expect(lines.at(-1)).toBe(' … 50 more, use --csv or LIMIT');
  });

  it('tells a mistake with its place and the nearest name', async () => {
    const { root, query } = await project();
    writeFileSync(join(root, 'q.sql'), 'SELECT ttft_p99\nFROM rnus');
    expect(await query('--file', 'q.sql')).toEqual({
      stdout: '',
      stderr: [
        'AssayError: q.sql:2:6: Table with name rnus does not exist!',
        '',
        '   FROM rnus',
        '        ^',
        '',
        '   next: did you mean runs?',
      ].join('\n'),
      exitCode: 2,
    });
  });

  it('finds nothing out where there is no run', async () => {
    const { root, query } = await project();
    mkdirSync(join(root, 'empty'));
    expect(await query('FROM runs', '--artifacts', 'empty')).toEqual({
      stdout: '',
      stderr: 'no run in empty has ended: there is nothing to ask',
      exitCode: 3,
    });
    expect(await query('FROM runs', '--artifacts', 'empty', '--json')).toMatchObject({ stdout: '[]', exitCode: 3 });
  });

  it.each([
    [['FROM runs', '--artifacts', 'nowhere'], 'there is no folder'],
    [['FROM runs', '--file', 'q.sql'], 'there are two queries'],
    [['--file', 'q.sql'], '--file q.sql cannot be read'],
    [['FROM runs', '--csv', '--json'], 'two ways to print one answer'],
    [[], 'there is no query'],
  ])('refuses %j', async (args, message) => {
    const { query } = await project();
    const { stderr, exitCode } = await query(...args);
    expect(stderr).toContain(message);
    expect(exitCode).toBe(2);
  });
});
