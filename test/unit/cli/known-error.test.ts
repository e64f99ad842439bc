import { describe, expect, it } from 'vitest';
import { describeKnown, knownErrorIn } from '../../../src/cli/known-error.ts';
import { AssayError } from '../../../src/core/errors.ts';

const systemError = (code: string, path?: string) =>
  Object.assign(new Error(`${code}: no`), { code, ...(path === undefined ? {} : { path }) });

describe('knownErrorIn', () => {
  it('finds a known error among those of several projects', () => {
    const known = new AssayError('USAGE', 'no such thing', { hint: 'look' });
    expect(knownErrorIn(new AggregateError([new Error('x'), known]))).toBe(known);
  });

  it('knows a file that the user has no right to, by its path', () => {
    const error = knownErrorIn(systemError('EACCES', '/runs/locked'));
    expect(error).toMatchObject({ code: 'USAGE', hint: expect.stringContaining('permissions') });
    expect(describeKnown(error!)).toContain('this user has no right to /runs/locked');
  });

  it('takes no mistake of ours for one', () => {
    const errors = [new TypeError('x'), systemError('EACCES'), systemError('ENOENT', '/runs'), 'EACCES', undefined];
    expect(errors.map(knownErrorIn)).toEqual(errors.map(() => null));
  });
});
