import { describe, expect, it } from 'vitest';
import { assay } from '../../../src/vitest/plugin.ts';
import { checkProjects } from '../../../src/vitest/root-plugin.ts';

const own = { test: { name: 'own' } };

describe('checkProjects', () => {
  it.each([
    ['no project', undefined],
    ['an empty list', []],
    ['a project with the plugin', [own, { plugins: [null, [assay()]] }]],
    ['a project whose plugins are promised', [own, { plugins: [Promise.resolve(assay())] }]],
    ['a project that extends the root', [own, { extends: true }]],
    ['a project that extends a file', [own, { extends: './base.ts' }]],
    ['a glob', [own, 'packages/*']],
    ['a function', [own, () => own]],
    ['a promised project', [own, Promise.resolve(own)]],
  ])('passes %s', (_name, projects) => {
    expect(() => checkProjects(projects, '4.1.0')).not.toThrow();
  });

  it.each([
    ['nothing of it', [own]],
    ['other plugins', [own, { extends: false, plugins: [false, { name: 'other' }] }]],
  ])('refuses projects that have %s, in Vitest 4', (_name, projects) => {
    expect(() => checkProjects(projects, '4.1.12')).toThrow(
      'assay() stands beside `projects` of which none has it: nothing would be claimed\n   next: give',
    );
    expect(() => checkProjects(projects, '5.1.1')).not.toThrow();
  });
});
