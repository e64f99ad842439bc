import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { parseOverride } from '../../../src/config/override.ts';
import { formatProblem } from '../../../src/config/yaml/problem.ts';
import { AssayError } from '../../../src/core/errors.ts';
import { planSession } from '../../../src/session/plan.ts';
import { frameworks } from '../../../src/session/registry.ts';
import { sessionOptions } from '../session-options.ts';

const PAGE = new URL('../../golden/broken-configs.md', import.meta.url);
const SECTION = /^(?=## )/m;
const MESSAGE = /(?<=^```text\n)[\s\S]*?(?=\n```$)/m;

/** A section of the page: files, how a session is started with them, and what it says. */
interface BrokenConfig {
  readonly title: string;
  readonly files: ReadonlyMap<string, string>;
  readonly env: readonly string[];
  readonly set: readonly string[];
  readonly cluster: string | null;
  readonly message: string;
}

function readSection(section: string): BrokenConfig {
  const intro = section.slice(0, section.indexOf('\n```'));
  const settings = (name: string): readonly string[] =>
    [...intro.matchAll(/^(\w+): (.+)$/gm)].flatMap(([, key, value = '']) => (key === name ? [value] : []));
  const blocks = section.matchAll(/^```(?:yaml|json)(?: file=(\S+))?\n([\s\S]*?)^```$/gm);
  return {
    title: /^## (.+)$/m.exec(section)?.[1] ?? '',
    files: new Map([...blocks].map(([, name = 'bench.yaml', text = '']) => [name, text])),
    env: settings('env'),
    set: settings('set'),
    cluster: settings('cluster')[0] ?? null,
    message: MESSAGE.exec(section)?.[0] ?? '',
  };
}

const LOADED = 'it loaded: nothing is wrong with it';

function complaintOf({ files, env, set, cluster }: BrokenConfig): string {
  const root = mkdtempSync(join(tmpdir(), 'assay-golden-'));
  for (const [name, text] of files) writeFileSync(join(root, name), text);
  for (const assignment of env) {
    const [name = '', value = ''] = assignment.split(/=(.*)/s);
    vi.stubEnv(name, value);
  }
  try {
    const session = sessionOptions({ root, cluster, overrides: set.map(parseOverride) });
    const { warnings } = planSession(session, frameworks);
    return warnings.length === 0 ? LOADED : warnings.map((doubt) => `warning ${formatProblem(doubt)}`).join('\n');
  } catch (thrown) {
    if (!(thrown instanceof AssayError)) throw thrown;
    return thrown.message;
  } finally {
    vi.unstubAllEnvs();
  }
}

function renew(section: string): string {
  const complaint = complaintOf(readSection(section));
  return complaint === LOADED ? section : section.replace(MESSAGE, () => complaint);
}

function readPage(): readonly BrokenConfig[] {
  const [intro = '', ...sections] = readFileSync(PAGE, 'utf8').split(SECTION);
  // ASSAY_UPDATE_GOLDEN=1 writes what is said today into the page, to be read there by a person.
  const isRenewing = process.env['ASSAY_UPDATE_GOLDEN'] === '1' && process.env['CI'] === undefined;
  if (!isRenewing) return sections.map(readSection);
  const renewed = sections.map(renew);
  writeFileSync(PAGE, [intro, ...renewed].join(''));
  return renewed.map(readSection);
}

const brokenConfigs = readPage();

describe('test/golden/broken-configs.md', () => {
  it('has a section of its own for each of many mistakes', () => {
    expect(brokenConfigs.length).toBeGreaterThanOrEqual(30);
    expect(new Set(brokenConfigs.map(({ title }) => title)).size).toBe(brokenConfigs.length);
  });

  it.each(brokenConfigs)('$title', (broken) => {
    expect(complaintOf(broken)).toBe(broken.message);
    expect(broken.message).not.toBe(LOADED);
  });

  it('says the place of each problem and what to do about it', () => {
    const lines = brokenConfigs.flatMap(({ message }) => message.split('\n'));
    const problems = lines.filter((line) => !/^\d+ problems? in .* Nothing was launched\.$/.test(line));
    expect(problems.filter((line) => !/^(?:warning )?[^\s:]+:[1-9]\d*:[1-9]\d* \S.* - \S.*$/.test(line))).toEqual([]);
    expect(
      problems.filter((line) => /undefined|\[object|Invalid (?:input|string)|expected .* received/.test(line)),
    ).toEqual([]);
  });
});
