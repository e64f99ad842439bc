import { describe, expect, it } from 'vitest';
import { printLine, streamForPeople } from '../../../../src/vitest/screen/print.ts';

type Printer = Parameters<typeof printLine>[0];

function printer(reporters: readonly unknown[], outputFile?: unknown, version = '4.1.12') {
  const said: string[] = [];
  const streams = { outputStream: 'stdout', errorStream: 'stderr' };
  const log = {
    log: (line: string) => said.push(`stdout ${line}`),
    error: (line: string) => said.push(`stderr ${line}`),
  };
  return {
    vitest: { version, config: { reporters, outputFile }, logger: { ...streams, ...log } } as unknown as Printer,
    said,
  };
}

const OPTIONS = {};

describe('what people read', () => {
  it.each([
    { name: 'json', reporters: [['json', OPTIONS]] },
    {
      name: 'json beside another',
      reporters: [
        ['default', OPTIONS],
        ['json', OPTIONS],
      ],
    },
    { name: 'junit', reporters: [['junit', OPTIONS]] },
    { name: 'tap', reporters: [['tap', OPTIONS]] },
    { name: 'tap, which knows no file', reporters: [['tap-flat', OPTIONS]], outputFile: 'out.tap' },
    { name: 'json with a file for junit', reporters: [['json', OPTIONS]], outputFile: { junit: 'out.xml' } },
    { name: 'json of Vitest 5 that is told so', reporters: [['json', { stdout: true }]], version: '5.1.1' },
    { name: 'tap of Vitest 5', reporters: [['tap', OPTIONS]], version: '5.1.1' },
  ])('goes to stderr with $name on stdout', ({ reporters, outputFile, version }) => {
    const { vitest, said } = printer(reporters, outputFile, version);
    printLine(vitest, 'a line');
    expect(said).toEqual(['stderr a line']);
    expect(streamForPeople(vitest)).toBe('stderr');
  });

  it.each([
    { name: 'no machine reporter', reporters: [['default', OPTIONS], {}] },
    { name: 'a json file', reporters: [['json', OPTIONS]], outputFile: 'out.json' },
    {
      name: 'a file for each',
      reporters: [
        ['json', OPTIONS],
        ['junit', OPTIONS],
      ],
      outputFile: { json: 'a', junit: 'b' },
    },
    { name: 'a file in its options', reporters: [['junit', { outputFile: 'out.xml' }]] },
    {
      name: 'workflow commands',
      reporters: [
        ['default', OPTIONS],
        ['github-actions', OPTIONS],
      ],
    },
    { name: 'a blob', reporters: [['blob', OPTIONS]] },
    {
      name: 'the file that Vitest 5 gives to json',
      reporters: [
        ['json', OPTIONS],
        ['junit', OPTIONS],
      ],
      version: '5.1.1',
    },
  ])('goes to stdout with $name', ({ reporters, outputFile, version }) => {
    const { vitest, said } = printer(reporters, outputFile, version);
    printLine(vitest, 'a line');
    expect(said).toEqual(['stdout a line']);
    expect(streamForPeople(vitest)).toBe('stdout');
  });
});
