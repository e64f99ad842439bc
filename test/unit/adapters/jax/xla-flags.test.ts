import { describe, expect, it } from 'vitest';
import { describeFlags, flagsInForce } from '../../../../src/adapters/jax/xla-flags.ts';

describe('a flag in force', () => {
  it.each([
    ['False', '', 'false'],
    ['TRUE', '  xla_a: true', 'true'],
    [true, '', 'false'],
    [95, '  xla_a: 95', '95'],
    ['95', '', '0'],
    ['', '', ''],
    ["''", '', ''],
    ['', '  xla_a: FUSION\n  xla_a: CUBLAS', 'FUSION,CUBLAS'],
    ['/tmp/x', '  xla_a: "/tmp/x"', '/tmp/x'],
    ['90', '  xla_a_seconds: 90', '90'],
    [8589934592, '  xla_ab: 1\n  xla_a: 8589934592', '8589934592'],
  ])('asked as %j is, by the options %j, %j', (asked, options, inForce) => {
    const flags = flagsInForce({ xla_a: asked }, `debug_options {\n${options}\n}\n`);
    expect(describeFlags(flags)).toBe(`--xla_a=${inForce}`);
  });
});

it('has one spelling of what is asked, whatever the order', () => {
  expect(describeFlags({ b: 'True', a: '1.0', c: "''" })).toBe('--a=1 --b=true --c=');
});
