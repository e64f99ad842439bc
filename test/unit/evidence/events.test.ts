import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EventLog, parseEvents } from '../../../src/evidence/events.ts';

const folder = mkdtempSync(join(tmpdir(), 'assay-events-'));

describe('EventLog', () => {
  it('does nothing once it is closed, whatever file has taken its place', () => {
    const [first, second] = [join(folder, 'first.jsonl'), join(folder, 'second.jsonl')];
    const log = new EventLog(first);
    log.record('request', { request_id: 'a', ok: true, ttft_ms: 1 });
    log.close();
    const other = new EventLog(second);
    log.record('teardown.done', { phase_duration_s: 1, status: 'ok' });
    log.record('request', { request_id: 'b', ok: true, ttft_ms: 1 });
    log.flush();
    log.close();
    other.record('teardown.start', { log_bytes: {} });
    other.close();
    const names = (path: string): readonly string[] =>
      parseEvents(readFileSync(path, 'utf8'), path).map(({ event }) => event);
    expect(names(first)).toEqual(['request']);
    expect(names(second)).toEqual(['teardown.start']);
  });

  it.runIf(existsSync('/dev/full'))('fails for good after the first event that cannot be written', () => {
    const log = new EventLog('/dev/full');
    const full = expect.objectContaining({ code: 'ENOSPC' });
    log.record('request', { request_id: 'a', ok: true, ttft_ms: 1 });
    expect(() => log.flush()).toThrow(full);
    expect(() => log.flush()).toThrow(full);
    expect(() => log.close()).toThrow(full);
    expect(() => log.close()).not.toThrow();
  });
});
