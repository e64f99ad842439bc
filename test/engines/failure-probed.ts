import { request } from 'undici';
import type { RunContext } from '../../src/lifecycle/adapter.ts';
import { launchRoles } from '../../src/lifecycle/launch.ts';
import { monitor } from '../../src/lifecycle/monitor.ts';
import { Scripted, working } from './failure-scripted.ts';

/** A server that answers its health probe well a few times, then no more. */
export class Probed extends Scripted {
  #url = '';

  override async launch(context: RunContext): Promise<void> {
    const server = `let left = 4; const server = http.createServer((_, answer) => {
      if (--left === 0) console.log("engine is dead");
      answer.writeHead(left > 0 ? 200 : 503).end();
    }).listen(0, "127.0.0.1", () => console.log("port " + server.address().port));`;
    const [ready] = await launchRoles(context, [
      {
        role: 'server',
        after: [],
        command: () => ({ file: process.execPath, args: ['-e', server] }),
        readiness: { kind: 'http', path: '/health', url: (process) => urlIn(process.tail(1)) },
      },
    ]);
    this.#url = `${ready?.url}/health`;
  }

  override async awaitCompletion(context: RunContext): Promise<void> {
    let status = working(0);
    const probing = async (): Promise<void> => {
      for (let probe = 1; status.state === 'running'; probe += 1) {
        const { statusCode, body } = await request(this.#url);
        await body.dump();
        const detail = `${this.#url} answered ${statusCode}`;
        const evidence = context.launched[0]?.process.tail(8) ?? [];
        status = statusCode === 200 ? working(probe) : { state: 'broken', predicate: 'healthy', detail, evidence };
      }
    };
    await monitor(context, () => status, { done: probing() });
  }
}

function urlIn([line = '']: readonly string[]): string | null {
  const port = /^port (\d+)$/.exec(line)?.[1];
  return port === undefined ? null : `http://127.0.0.1:${port}`;
}
