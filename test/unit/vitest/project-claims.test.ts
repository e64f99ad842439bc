import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TestProject, Vitest } from 'vitest/node';
import { planSession } from '../../../src/session/plan.ts';
import type { SessionPlan } from '../../../src/session/plan.ts';
import { frameworks } from '../../../src/session/registry.ts';
import { claims } from '../../../src/vitest/claims/claims.ts';
import type { ProvidedAssay } from '../../../src/vitest/claims/provided.ts';
import { ProjectClaims } from '../../../src/vitest/project-claims.ts';
import { DEMO_CONFIG } from '../demo-config.ts';
import { sessionOptions } from '../session-options.ts';

interface Tag {
  readonly name: string;
  readonly description?: string;
  readonly retry?: number;
}

/** A project with one suite file and tags of its own, and what its workers are given. */
function projectWith(tags: Tag[]) {
  const folder = mkdtempSync(join(tmpdir(), 'claims-of-'));
  const suites = join(folder, 'suites');
  const file = join(suites, 'benchmarks/a.test.ts');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '');
  const declared = (): unknown => ({ default: claims({ fine: { benchmark: 'ttft_p99', check: () => undefined } }) });
  let given: ProvidedAssay | undefined;
  const project = {
    config: { root: folder, tags },
    globTestFiles: () => Promise.resolve({ testFiles: [], typecheckTestFiles: [] }),
    import: () => Promise.resolve(declared()),
    provide: (_key: string, value: ProvidedAssay) => (given = value),
  };
  const vitest = { config: {}, getGlobalTestNamePattern: () => undefined };
  const ofProject = new ProjectClaims(project as unknown as TestProject, {
    vitest: vitest as unknown as Vitest,
    folders: [suites],
    socket: 'socket',
    isNarrowed: false,
    shards: null,
    tagTypes: null,
  });
  return { ofProject, tags, given: () => given };
}

function planOf(config: string): SessionPlan {
  const root = mkdtempSync(join(tmpdir(), 'plan-of-'));
  writeFileSync(join(root, 'demo.yaml'), config);
  return planSession(sessionOptions({ root }), frameworks);
}

describe('the tags of a project', () => {
  it('are words to select by and nothing else, those of the user as they were', async () => {
    const { ofProject, tags, given } = projectWith([{ name: 'gpu_cpu', description: 'my own' }]);
    ofProject.commit(await ofProject.draft(planOf(DEMO_CONFIG)));
    expect(tags[0]).toEqual({ name: 'gpu_cpu', description: 'my own' });
    expect(tags.map(({ name }) => name)).toEqual(expect.arrayContaining(['knob_quant_f32', 'cell_conc1', 'tier_5']));
    expect(new Set(tags.flatMap((tag) => Object.keys(tag)))).toEqual(new Set(['name', 'description']));
    expect(given()?.haveTagsOptions).toBe(false);
  });

  it('that do more are told to workers, where Vitest must apply them', async () => {
    const { ofProject, given } = projectWith([{ name: 'cell_conc1', retry: 2 }]);
    ofProject.commit(await ofProject.draft(planOf(DEMO_CONFIG)));
    expect(given()?.haveTagsOptions).toBe(true);
  });

  it('of cells that are gone go too, when another plan is in force', async () => {
    const { ofProject, tags } = projectWith([{ name: 'slow' }]);
    const names = (): readonly string[] => tags.map(({ name }) => name);
    ofProject.commit(await ofProject.draft(planOf(DEMO_CONFIG)));
    const before = names();
    ofProject.commit(await ofProject.draft(planOf(DEMO_CONFIG.replace('[1, 2]', '[2, 4]'))));
    expect(before).toEqual(expect.arrayContaining(['slow', 'cell_conc1', 'cell_conc2']));
    expect(names()).toEqual(expect.arrayContaining(['slow', 'cell_conc2', 'cell_conc4']));
    expect(names()).not.toContain('cell_conc1');
  });
});
