import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { invokerOf, typedByUser } from '../../../src/session/invoker.ts';

const argvOf = (...words: readonly string[]): readonly string[] => invokerOf(['/usr/bin/node', ...words], {}).argv;

describe('invokerOf', () => {
  it('says who ran which command where, without the Node that ran it', () => {
    expect(invokerOf(['/usr/bin/node', '/lib/x/assay.js', 'run', '-t', 'a b'], {})).toEqual({
      user: userInfo().username,
      hostname: hostname(),
      argv: ['/lib/x/assay.js', 'run', '-t', 'a b'],
      ci: null,
    });
  });

  it('names a command as it is typed', () => {
    expect(argvOf(join(process.cwd(), 'node_modules/.bin/vitest'), 'run')).toEqual(['vitest', 'run']);
    expect(argvOf(join(process.cwd(), 'dist/cli/main.js'))).toEqual([join('dist', 'cli', 'main.js')]);
  });

  it('prefers what the user typed to what was started for it', () => {
    const env = typedByUser(['/usr/bin/node', '/p/node_modules/.bin/assay', 'run', '--token=abc123']);
    expect(invokerOf(['/usr/bin/node', '/p/vitest.mjs', 'run'], env).argv).toEqual([
      'assay',
      'run',
      '--token=<redacted>',
    ]);
    expect(JSON.stringify(env)).not.toContain('abc123');
    expect(invokerOf(['/usr/bin/node', '/p/vitest.mjs'], { ASSAY_ARGV: '{"a":1}' }).argv).toEqual(['/p/vitest.mjs']);
    expect(invokerOf(['/usr/bin/node', '/p/vitest.mjs'], { ASSAY_ARGV: '[' }).argv).toEqual(['/p/vitest.mjs']);
  });

  it.each([
    [{ CI: 'true', GITHUB_ACTIONS: 'true' }, 'GITHUB_ACTIONS'],
    [{ CI: 'true', JENKINS_URL: 'http://ci.example' }, 'JENKINS_URL'],
    [{ CI: '1' }, 'CI'],
    [{ CI: 'false', GITLAB_CI: '' }, null],
    [{}, null],
  ])('knows a CI system by its variable: %j', (env, ci) => {
    expect(invokerOf(['node', 'x'], env).ci).toBe(ci);
  });

  it.each([
    [
      ['--api-key', 'S3NTINEL'],
      ['--api-key', '<redacted>'],
    ],
    [['--hf-token=S3NTINEL'], ['--hf-token=<redacted>']],
    [
      ['--set', 'params.hf_token=S3NTINEL'],
      ['--set', 'params.hf_token=<redacted>'],
    ],
    [['--set=params.db_password=S3N=TINEL'], ['--set=params.db_password=<redacted>']],
    [['HF_TOKEN=S3NTINEL'], ['HF_TOKEN=<redacted>']],
    [['--base=https://me:S3NTINEL@host/x'], ['--base=https://<redacted>@host/x']],
    [['--url=https://host/x?a=1&token=S3NTINEL'], ['--url=https://host/x?a=1&token=<redacted>']],
  ])('hides what is called like a secret: %j', (words, shown) => {
    expect(argvOf('/x', ...words).slice(1)).toEqual(shown);
  });

  it.each([
    [['--max-tokens=100', '--tokenizer', 'x', '--set', 'params.num_prompts=3']],
    [['--token', '--verbose']],
    [['-t', 'tier_5 and conc16', '--only-cells', 'a=b=c=d']],
  ])('leaves everything else as it was typed: %j', (words) => {
    expect(argvOf('/x', ...words).slice(1)).toEqual(words);
  });

  it('never shows the value of a secret, wherever it stands among others', () => {
    const name = fc.constantFrom('--token', '--api-key', '--hf-token', '--password');
    const word = fc.stringMatching(/^(?:--[a-z]{2,8}|[a-z]{2,8}|[a-z]{2,8}=[a-z]{2,8})$/);
    const secret = fc.constant('S3NTINEL');
    const given = fc.oneof(
      fc.tuple(name, secret),
      fc.tuple(name, secret).map(([key, value]) => [`${key}=${value}`]),
    );
    fc.assert(
      fc.property(fc.array(word), given, fc.array(word), (before, middle, after) => {
        const shown = argvOf('/x', ...before, ...middle, ...after);
        expect(shown.join(' ')).not.toContain('S3NTINEL');
        expect(shown).toHaveLength(1 + before.length + middle.length + after.length);
      }),
    );
  });
});
