import { mkdirSync, mkdtempSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planSession } from '../../../src/session/plan.ts';
import { frameworks } from '../../../src/session/registry.ts';
import { DEMO_CONFIG } from '../demo-config.ts';
import { sessionOptions } from '../session-options.ts';

const root = mkdtempSync(join(tmpdir(), 'assay-files-'));
const at = (path: string): string => join(root, path);
mkdirSync(at('weights'));

/** The workload hash of the first cell with this model, on this machine unless a cluster says otherwise. */
function hashOf(model: string, cluster: string | null = null): string {
  writeFileSync(at('demo.yaml'), DEMO_CONFIG.replace('{id: tiny, precision: f32}', model));
  const { cells } = planSession(sessionOptions({ root, configs: ['demo.yaml'], cluster }), frameworks);
  return cells[0]!.identity.workloadHash;
}

describe('the workload hash of a cell', () => {
  it('is another when the content of its model file is, though its size and name are not', () => {
    writeFileSync(at('m.gguf'), 'one');
    const before = hashOf('{id: tiny, path: m.gguf}');
    utimesSync(at('m.gguf'), new Date(0), new Date(0));
    expect(hashOf('{id: tiny, path: m.gguf}')).toBe(before);
    writeFileSync(at('m.gguf'), 'two');
    expect(hashOf('{id: tiny, path: m.gguf}')).not.toBe(before);
  });

  it('is that of what a link names', () => {
    writeFileSync(at('blob'), 'one');
    symlinkSync(at('blob'), at('link.gguf'));
    const before = hashOf('{id: tiny, path: link.gguf}');
    writeFileSync(at('blob'), 'other');
    expect(hashOf('{id: tiny, path: link.gguf}')).not.toBe(before);
  });

  it('is another when a file in its model folder is, has another name or is new', () => {
    const hash = (): string => hashOf('{id: tiny, path: weights}');
    const seen = [hash()];
    writeFileSync(at('weights/a'), 'one');
    seen.push(hash());
    utimesSync(at('weights/a'), new Date(0), new Date(0));
    seen.push(hash());
    symlinkSync(at('nowhere'), at('weights/broken'));
    seen.push(hash());
    expect(new Set(seen).size).toBe(4);
    expect(hash()).toBe(seen[3]);
  });

  it('of a file too big to be read is another when its time is', () => {
    writeFileSync(at('big.gguf'), '');
    truncateSync(at('big.gguf'), 2 ** 30 + 1);
    utimesSync(at('big.gguf'), new Date(1000), new Date(1000));
    const before = hashOf('{id: tiny, path: big.gguf}');
    expect(hashOf('{id: tiny, path: big.gguf}')).toBe(before);
    utimesSync(at('big.gguf'), new Date(2000), new Date(2000));
    expect(hashOf('{id: tiny, path: big.gguf}')).not.toBe(before);
  });

  it('does not look at a file whose sha256 is declared, that is not there, or that lies on another machine', () => {
    writeFileSync(at('lab.cluster.yaml'), 'executor: ssh\nnodes: {n1: {gpus: 0, labels: [cpu]}}\n');
    const declared = `{id: tiny, path: d.gguf, sha256: ${'a'.repeat(64)}}`;
    const hashes = (): readonly string[] => [hashOf(declared), hashOf('{id: tiny, path: d.gguf}', 'lab.cluster.yaml')];
    const before = hashes();
    const unseen = hashOf('{id: tiny, path: d.gguf}');
    writeFileSync(at('d.gguf'), 'one');
    expect(hashes()).toEqual(before);
    expect(hashOf('{id: tiny, path: d.gguf}')).not.toBe(unseen);
  });

  it('is another when the content of its dataset is', () => {
    writeFileSync(at('d.txt'), 'one');
    const model = '{id: tiny}\ndataset: {id: d, path: d.txt}';
    const before = hashOf(model);
    writeFileSync(at('d.txt'), 'two');
    expect(hashOf(model)).not.toBe(before);
  });
});
