import { describe, expect, it } from 'vitest';
import { rendezvousOf } from '../../../../src/adapters/shared/rendezvous.ts';
import type { RunRequest } from '../../../../src/lifecycle/adapter.ts';

function meetingOf(executor: string, addresses: Readonly<Record<string, string>>, runId = 'r1') {
  const nodes = Object.entries(addresses).map(([name, host]) => ({ name, address: { host } }));
  const request = { hosts: { worker: ['b', 'a'] }, on: { reach: { executor }, nodes }, runId };
  return rendezvousOf(request as unknown as RunRequest, 'worker');
}

describe('where the hosts of a role meet', () => {
  it.each([
    ['ssh', '10.0.0.2', '10.0.0.2'],
    ['slurm', 'node7', 'node7'],
    ['local', '127.0.0.12', '127.0.0.12'],
    ['local', 'this-machine', '127.0.0.1'],
  ])('by %s is the first of them, %s, as %s', (executor, address, host) => {
    expect(meetingOf(executor, { a: '10.0.0.1', b: address })).toMatchObject({ host });
  });

  it('is a port of the run, below those that Linux hands out', () => {
    const ports = Array.from({ length: 100 }, (_, index) => meetingOf('ssh', { b: 'x' }, `run-${index}`).port);
    expect(new Set(ports).size).toBeGreaterThan(90);
    expect(ports.every((port) => port >= 20_000 && port < 30_000)).toBe(true);
    expect(meetingOf('ssh', { b: 'x' }, 'run-0').port).toBe(ports[0]);
  });
});
