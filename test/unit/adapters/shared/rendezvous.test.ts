import { describe, expect, it } from 'vitest';
import { rendezvousOf } from '../../../../src/adapters/shared/rendezvous.ts';

const ROLES = { hosts: { worker: ['b', 'a'], client: ['c'] }, runId: 'r1' };

/** Where a host is told to go, when the hosts have these addresses. */
function meetingOf(host: string, addresses: Readonly<Record<string, string>>, runId = 'r1') {
  const addressOf = (name: string): string => addresses[name] ?? '';
  const index = ROLES.hosts.worker.indexOf(host);
  return rendezvousOf({ ...ROLES, runId }, 'worker', { host, index, address: addressOf(host), addressOf, ready: [] });
}

describe('where the hosts of a role meet', () => {
  it.each([
    [{ a: '10.0.0.1', b: '10.0.0.2' }, '10.0.0.2'],
    [{ a: 'node8', b: 'node7' }, 'node7'],
    [{ a: '127.0.0.11', b: '127.0.0.12' }, '127.0.0.12'],
    [{ a: '127.0.0.1', b: 'localhost' }, 'localhost'],
  ])('is of %j the first', (addresses, host) => {
    expect(meetingOf('a', addresses)).toMatchObject({ host });
    expect(meetingOf('b', addresses)).toEqual(meetingOf('a', addresses));
  });

  it('is a port of the run, below those that Linux hands out', () => {
    const ports = Array.from({ length: 100 }, (_, index) => meetingOf('b', { b: 'x' }, `run-${index}`).port);
    expect(new Set(ports).size).toBeGreaterThan(90);
    expect(ports.every((port) => port >= 20_000 && port < 30_000)).toBe(true);
    expect(meetingOf('b', { b: 'x' }, 'run-0').port).toBe(ports[0]);
  });

  it.each(['127.0.0.1', 'localhost', '::1'])('is not %s for a host elsewhere', (first) => {
    const addresses = { a: '10.0.0.1', b: first };
    expect(meetingOf('b', addresses)).toMatchObject({ host: first });
    const refused = () => meetingOf('a', addresses);
    expect(refused).toThrow(
      `worker on a has to reach b, whose address ${first} means a itself there - ` +
        'give b an address in the cluster file that other nodes reach it at',
    );
    expect(refused).toThrow(expect.objectContaining({ category: 'setup_failure' }));
  });
});
