import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Project, QUICK_CONFIG } from './project.ts';
import { WatchSession } from './watch-session.ts';

const EDITED = QUICK_CONFIG.replace('[1, 2, 4]', '[1, 2]').replace('num_prompts: 8', 'num_prompts: 4');
const OTHER = EDITED.replace('test_id: quick', 'test_id: other')
  .replace('[1, 2]', '[1]')
  .replace('knobs: {', 'id_knobs: [variant]\nknobs: {variant: b, ');

const cellsOf = (folders: readonly string[]) => folders.map((folder) => basename(dirname(dirname(folder)))).toSorted();
const brackets = (tests: readonly string[]) => [...new Set(tests.map((test) => /\[.*\]/.exec(test)?.[0] ?? test))];

function watched(files: Readonly<Record<string, string>> = {}) {
  const project = new Project({
    'configs/quick.yaml': EDITED,
    'configs/other.yaml': OTHER,
    'tests/own.test.js': `import { test } from 'vitest';\ntest('a test of the user', () => {});\n`,
    ...files,
  });
  return { project, watch: new WatchSession(project, '-t', 'tier_5') };
}

describe('watch mode', { timeout: 180_000 }, () => {
  it('follows a config: judges again, launches new cells only, tells a mistake and goes on', async () => {
    const { project, watch } = watched();
    expect((await watch.pass()).launched).toHaveLength(6);

    project.write('configs/quick.yaml', EDITED.replace('value: 60000', 'value: 0.01'));
    const judged = await watch.pass();
    expect(judged.launched).toEqual([]);
    expect(judged.screen).toContain('configs/quick.yaml edited · 4 cells under other thresholds');
    expect(judged.tests).toEqual(
      ['balanced-conc1', 'balanced-conc2', 'prefill_heavy-conc1', 'prefill_heavy-conc2']
        .flatMap((cell) => [`throughput[llama_cpp-byte_llama-cpu-f32-${cell}] passed`])
        .concat(
          ['balanced-conc1', 'balanced-conc2', 'prefill_heavy-conc1', 'prefill_heavy-conc2'].map(
            (cell) => `ttft_p99[llama_cpp-byte_llama-cpu-f32-${cell}] failed`,
          ),
        ),
    );

    const wider = EDITED.replace('[1, 2]', '[1, 2, 3]');
    project.write('configs/quick.yaml', wider);
    const widened = await watch.pass();
    expect(cellsOf(widened.launched)).toEqual(['balanced-conc3', 'prefill_heavy-conc3']);
    expect(widened.screen).toContain('2 cells new · 4 cells under other thresholds');
    expect(widened.tests.filter((test) => !test.endsWith(' passed'))).toEqual([]);

    project.write('configs/quick.yaml', wider.replace('concurrency:', 'concurency:'));
    const mistake = await watch.shows('the watch goes on');
    expect(mistake).toContain('configs/quick.yaml:12:3 sweep.concurency: unknown field - did you mean `concurrency`?');

    project.write('configs/quick.yaml', wider);
    expect(await watch.shows('nothing that concerns a selected claim')).toContain('configs/quick.yaml edited');
    expect(project.runFolders()).toHaveLength(8);
  });

  it('follows configs, thresholds and nodes wherever they are, and goes on after a mistake in any of them', async () => {
    const outside = realpathSync(mkdtempSync(join(tmpdir(), 'assay-e2e-outside-')));
    const third = join(outside, 'team/third.yaml');
    const [config = '', thresholds = ''] = OTHER.split(/(?=^thresholds:)/m);
    const [beside = '', ...rest] = thresholds.split(/(?=^timeouts:)/m);
    const nodes = 'nodes: {localhost: {labels: [cpu]}}\n';
    const project = new Project({
      'configs/quick.yaml': config + rest.join(''),
      'configs/quick.thresholds.yaml': beside,
      'lab.cluster.yaml': nodes,
      'vitest.config.js': `import { assay } from 'vitest-assay';
const configs = ['configs/**/*.yaml', ${JSON.stringify(`${outside}/**/*.yaml`)}];
export default { plugins: [assay({ configs, cluster: 'lab.cluster.yaml' })], test: { include: [] } };\n`,
    });
    const watch = new WatchSession(project, '-t', 'tier_5');
    const ofQuick = ['balanced-conc1', 'prefill_heavy-conc1'].map((cell) => `[llama_cpp-byte_llama-cpu-b-${cell}]`);
    const ofThird = ofQuick.map((bracket) => bracket.replace('-b-', '-c-'));
    const first = await watch.pass();
    expect([cellsOf(first.launched), brackets(first.tests)]).toEqual([
      ['balanced-conc1', 'prefill_heavy-conc1'],
      ofQuick,
    ]);

    mkdirSync(dirname(third));
    writeFileSync(third, OTHER.replace('test_id: other', 'test_id: third').replace('variant: b', 'variant: c'));
    const added = await watch.pass();
    expect([cellsOf(added.launched), brackets(added.tests)]).toEqual([
      ['balanced-conc1', 'prefill_heavy-conc1'],
      ofThird,
    ]);

    project.write('configs/quick.thresholds.yaml', beside.replace('percentile: 99', 'percentil: 99'));
    expect(await watch.shows('the watch goes on')).toMatch(
      /configs\/quick\.thresholds\.yaml edited\n.*configs\/quick\.thresholds\.yaml:\d+:\d+ .*percentil/,
    );
    project.write('configs/quick.thresholds.yaml', beside.replace('value: 60000', 'value: 50000'));
    const judged = await watch.pass();
    expect(judged.screen).toContain('configs/quick.thresholds.yaml edited · 2 cells under other thresholds');
    expect([judged.launched, brackets(judged.tests)]).toEqual([[], ofQuick]);

    project.write('lab.cluster.yaml', nodes.replace('labels', 'label'));
    expect(await watch.shows('the watch goes on')).toMatch(
      /lab\.cluster\.yaml edited\n.*lab\.cluster\.yaml:1:\d+ .*label/,
    );
    project.write('lab.cluster.yaml', nodes.replace('cpu', 'gpu'));
    const unfit = await watch.pass();
    expect(unfit.screen).toContain('lab.cluster.yaml edited · 4 cells cannot run any more');
    expect(unfit.tests).toEqual([]);

    project.write('configs/fourth.yaml', OTHER.replace('variant: b', 'variant: d').replace('id: other', 'id: fourth'));
    expect((await watch.pass()).screen).toContain('configs/fourth.yaml edited · 2 cells new');
    rmSync(join(project.root, 'configs/fourth.yaml'));
    await watch.shows('configs/fourth.yaml edited · 2 cells gone');

    rmSync(third);
    await watch.shows('third.yaml edited · 2 cells gone');
    project.write('lab.cluster.yaml', nodes);
    const fit = await watch.pass();
    expect(fit.screen).toContain('lab.cluster.yaml edited · 2 cells can run now');
    expect([fit.launched, brackets(fit.tests)]).toEqual([[], ofQuick]);
  });

  it('follows a suite: a new claim is registered, and judged on the runs there are', async () => {
    const suite = (claims: string) =>
      `import { claims } from 'vitest-assay/claims';\nexport default claims({${claims}});\n`;
    const first = `first: { check: ({ run, expect }) => expect(run.manifest.status).toBe('passed') },`;
    const { project, watch } = watched({
      'claims/benchmarks/own.test.js': suite(first),
      'vitest.config.js': `import { assay } from 'vitest-assay';
export default { plugins: [assay({ suites: ['builtin', 'claims'] })], test: { include: [] } };\n`,
    });
    expect((await watch.pass()).tests.filter((test) => test.startsWith('first'))).toHaveLength(6);
    project.write('claims/benchmarks/own.test.js', suite(`${first} second: { check: () => {} },`));
    const again = await watch.pass();
    expect(again.launched).toEqual([]);
    expect(again.tests.filter((test) => test.startsWith('second'))).toHaveLength(6);
    project.write('claims/benchmarks/more.test.js', suite(`third: { check: () => {} },`));
    const more = await watch.pass();
    expect(more.launched).toEqual([]);
    expect(more.tests.map((test) => test.split('[')[0])).toEqual(Array.from({ length: 6 }, () => 'third'));
  });

  it("follows a config that is edited together with a test of the user's own", async () => {
    const { project, watch } = watched();
    await watch.pass();
    project.write('tests/own.test.js', `import { test } from 'vitest';\ntest('tier_5 of the user', () => {});\n`);
    project.write('configs/quick.yaml', EDITED.replace('[1, 2]', '[1, 2, 3]'));
    const passes = [await watch.pass(), await watch.pass()];
    expect(passes.flatMap(({ tests }) => tests)).toContain('tier_5 of the user passed');
    expect(cellsOf(passes.flatMap(({ launched }) => launched))).toEqual(['balanced-conc3', 'prefill_heavy-conc3']);
    expect(passes.map(({ screen }) => screen).join('')).toContain('configs/quick.yaml edited · 2 cells new');
  });

  it('launches again what was removed', async () => {
    const { project, watch } = watched();
    const { launched } = await watch.pass();
    rmSync(join(project.root, 'runs'), { recursive: true });
    project.write('configs/other.yaml', OTHER.replace('value: 60000', 'value: 50000'));
    const again = (await watch.pass()).launched;
    expect(cellsOf(again)).toEqual(cellsOf(launched.filter((folder) => folder.includes('/other/'))));
  });

  it("leaves a pass of the user's own tests alone", async () => {
    const { project, watch } = watched();
    await watch.pass();
    project.write('tests/own.test.js', `import { test } from 'vitest';\ntest('tier_5 of the user', () => {});\n`);
    const own = await watch.pass();
    expect(own.tests).toEqual(['tier_5 of the user passed']);
    expect(own.screen).not.toContain(' assay  ');
  });
});
