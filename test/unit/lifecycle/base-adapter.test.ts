import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Exit } from '../../../src/exec/exit.ts';
import type { LaunchedRole, RunContext } from '../../../src/lifecycle/adapter.ts';
import { Serving } from './job-bench.ts';

/** A role that takes a moment to end, and writes down when it is asked to and when it does. */
function launched(name: string, said: string[]): LaunchedRole {
  const [role = '', host = ''] = name.split('.');
  const stop = async (): Promise<Exit> => {
    said.push(`ask ${name}`);
    await nextTurn();
    if (host === 'stuck') throw new Error(`${name} does not end`);
    said.push(`end ${name}`);
    return { kind: 'exited', code: 0 };
  };
  return { role, host, process: { stop } } as unknown as LaunchedRole;
}

async function tearDown(...names: readonly string[]): Promise<{ said: readonly string[]; error: unknown }> {
  const said: string[] = [];
  const context = { launched: names.map((name) => launched(name, said)) } as unknown as RunContext;
  const error = await new Serving({ file: 'true', args: [] }).teardown(context).then(
    () => null,
    (thrown: Error) => thrown.message,
  );
  return { said, error };
}

describe('the teardown of an adapter', () => {
  it('stops role after role, the last first, and a role on all its hosts at once', async () => {
    expect(await tearDown('prefill.n1', 'decode.n3', 'prefill.n2', 'decode.n4', 'router.n1')).toEqual({
      said: [
        'ask router.n1',
        'end router.n1',
        'ask decode.n3',
        'ask decode.n4',
        'end decode.n3',
        'end decode.n4',
        'ask prefill.n1',
        'ask prefill.n2',
        'end prefill.n1',
        'end prefill.n2',
      ],
      error: null,
    });
  });

  it('stops the others too when some cannot be stopped, and names those', async () => {
    expect(await tearDown('server.stuck', 'server.n2', 'client.stuck')).toEqual({
      said: ['ask client.stuck', 'ask server.stuck', 'ask server.n2', 'end server.n2'],
      error: 'client.stuck does not end; server.stuck does not end',
    });
  });
});
