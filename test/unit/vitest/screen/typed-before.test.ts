import { expect, it } from 'vitest';
import { typedBefore } from '../../../../src/vitest/screen/typed-before.ts';

it('is what a shell takes for the environment of the session, and nothing where that changed nothing', () => {
  const env = { ASSAY_SET: `["note=it's"]`, ASSAY_CLUSTER: 'lab.yaml', ASSAY_CONFIGS: '', PATH: '/bin' };
  expect(typedBefore(env)).toBe(String.raw`ASSAY_SET='["note=it'\''s"]' ASSAY_CLUSTER=lab.yaml `);
  expect(typedBefore({ PATH: '/bin' })).toBe('');
});
