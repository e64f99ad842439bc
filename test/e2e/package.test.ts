import { cpSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { NODE, ONE_CELL, Project, REPOSITORY } from './project.ts';

/** Installs what `npm publish` would ship, as files and not as a link, beside the dependencies. */
async function installPackage(root: string): Promise<readonly string[]> {
  const { stdout } = await execa('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: REPOSITORY });
  const [pack] = JSON.parse(stdout) as [{ files: { path: string }[] }];
  const files = pack.files.map(({ path }) => path);
  const modules = join(root, 'node_modules');
  rmSync(join(modules, 'vitest-assay'), { recursive: true });
  for (const file of files) {
    mkdirSync(dirname(join(modules, 'vitest-assay', file)), { recursive: true });
    cpSync(join(REPOSITORY, file), join(modules, 'vitest-assay', file));
  }
  const dependencies = readdirSync(join(REPOSITORY, 'node_modules')).filter(
    (name) => !name.startsWith('.') && name !== 'vitest',
  );
  for (const name of dependencies) symlinkSync(join(REPOSITORY, 'node_modules', name), join(modules, name));
  return files;
}

describe('the published package', () => {
  it('holds the built code, the suites and the pattern catalogue, and runs a cell from node_modules', async () => {
    const project = new Project({ 'configs/quick.yaml': ONE_CELL });
    const files = await installPackage(project.root);
    const folders = new Set(files.map((file) => (file.includes('/') ? `${file.split('/')[0]}/` : file)));
    expect([...folders].sort()).toEqual([
      'LICENSE',
      'README.md',
      'configs/',
      'dist/',
      'docs/',
      'package.json',
      'schemas/',
      'src/',
      'suites/',
    ]);
    expect(files.filter((file) => file.startsWith('src/'))).toEqual(['src/lifecycle/patterns.yaml']);
    const { tests, launched, screen } = await project.run();
    expect(screen).toContain('nothing left running');
    expect(launched).toHaveLength(1);
    expect(tests.map(({ status }) => status)).toEqual(Array.from({ length: 18 }, () => 'passed'));
  });

  it('plans without a Vitest config, and bundles none into node_modules, which may be a share of others', async () => {
    const project = new Project({ 'configs/quick.yaml': ONE_CELL });
    rmSync(join(project.root, 'vitest.config.js'));
    await installPackage(project.root);
    const modules = join(project.root, 'node_modules');
    const command = join(modules, 'vitest-assay/dist/cli/main.js');
    const { stdout } = await execa(NODE, [command, 'plan'], { cwd: project.root });
    expect(stdout).toContain('1 cell · 1 runnable');
    expect(readdirSync(modules)).not.toContain('.vite-temp');
  });

  it('takes suites of the user beside its own', async () => {
    const project = new Project({
      'configs/quick.yaml': ONE_CELL,
      'suites/inference/own.test.js': `import { claims } from 'vitest-assay/claims';
export default claims({
  all_completed: { check: ({ run, expect }) => { expect(run.scalar('completed')).toBe(8) } },
  all_fast: { check: ({ run }) => run.scalar('completed') < 8 },
});\n`,
      'vitest.config.js': `import { assay } from 'vitest-assay';
export default {
  plugins: [assay({ suites: ['builtin', 'suites'] })],
  test: { include: [], expect: { requireAssertions: true } },
};\n`,
    });
    const { tests } = await project.run('-t', '(all_(completed|fast)|throughput|ttft_p99).*');
    const named = tests.map(({ fullName, status }) => `${fullName.replace(/\[.*/, '')} ${status}`);
    // A verdict that is returned is an assertion, a boolean is none.
    expect(named.sort()).toEqual(['all_completed passed', 'all_fast failed', 'throughput passed', 'ttft_p99 passed']);
    expect(tests.flatMap(({ failureMessages }) => [...failureMessages]).join('\n')).toContain(
      'the check returned false, which judges nothing',
    );
  });

  it('refuses suites that would judge nothing: no tier, no default export, no file', async () => {
    const withSuites = (files: Readonly<Record<string, string>>) =>
      new Project({
        'configs/quick.yaml': ONE_CELL,
        'vitest.config.js': `import { assay } from 'vitest-assay';\nexport default { plugins: [assay({ suites: 'suites' })] };\n`,
        ...files,
      }).run();
    const misplaced = await withSuites({ 'suites/misc/own.test.js': 'export default {};\n' });
    expect(misplaced.screen).toContain(
      'suites/misc/own.test.js:1:1 lies in no tier folder - move it to one of logistics, training',
    );
    expect(misplaced.screen).toContain('1 problem in 1 suite file. Nothing was launched.');
    const silent = await withSuites({
      'suites/inference/own.test.js': `import { claims } from 'vitest-assay/claims';\nclaims({});\n`,
    });
    expect(silent.screen).toMatch(/own\.test\.js:\d+:\d+ has no default export - write `export default claims/);
    const empty = await withSuites({});
    expect(empty.screen).toMatch(/no suite file \(\*\.test\.ts\) in .*suites\n {3}next: correct `suites`/);
    expect([misplaced, silent, empty].map(({ exitCode }) => exitCode)).toEqual([1, 1, 1]);
  });

  it('refuses a benchmark that no claim judges', async () => {
    const unclaimed = ONE_CELL.replace('[throughput, ttft_p99]', '[throughput, ttft_p99, e2el_p75]').replace(
      'timeouts:',
      '  - {kind: Percentile, metric: e2el_ms, percentile: 75, op: "<=", value: 60000}\ntimeouts:',
    );
    const { screen, exitCode, launched } = await new Project({ 'configs/quick.yaml': unclaimed }).run();
    expect(screen).toContain('configs/quick.yaml: no claim judges the benchmark e2el_p75');
    expect(launched).toEqual([]);
    expect(exitCode).toBe(1);
  });

  it('launches a cell once for all projects of one Vitest', async () => {
    const project = new Project({
      'configs/quick.yaml': ONE_CELL,
      'vitest.config.js': `import { assay } from 'vitest-assay';
export default { plugins: [assay()], test: { projects: ['a', 'b'].map((name) => ({ extends: true, test: { name, include: [] } })) } };\n`,
    });
    const { tests, launched, screen } = await project.run('-t', 'tier_5');
    expect(launched).toHaveLength(1);
    expect(tests.map(({ fullName, status }) => `${fullName.replace(/\[.*/, '')} ${status}`).sort()).toEqual([
      'throughput passed',
      'throughput passed',
      'ttft_p99 passed',
      'ttft_p99 passed',
    ]);
    expect(screen.match(/nothing left running/g)).toHaveLength(1);
  });

  it('says which artifact directory cannot be written', async () => {
    const project = new Project({ 'configs/quick.yaml': ONE_CELL, runs: 'a file\n' });
    const { screen, exitCode } = await project.run('-t', 'throughput');
    expect(screen).toMatch(
      /the artifact directory .*runs cannot be written: .* - name a folder of yours: `artifacts` in assay/,
    );
    expect(exitCode).toBe(1);
  });
});
