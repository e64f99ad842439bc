import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AssayError, messageOf } from '../../core/errors.ts';
import { Engine } from './engine.ts';
import { createHttpServer } from './http-server.ts';
import { checkDigest, checkIsGguf } from './model-file.ts';
import type { ServerSettings } from './server-argv.ts';
import { draining, type ServerContext } from './server-context.ts';
import { ServerMetrics, type EngineLoad } from './server-metrics.ts';

/** A server that listens. */
export interface RunningServer {
  readonly url: string;
  /** Settles when the model is loaded or the server was told to drain before; rejects with a known error. */
  readonly ready: Promise<void>;
  /** Lets running requests finish within the drain timeout, then closes everything. */
  drain(): Promise<void>;
}

// What clients get to take the end of their answers when everything else is over.
const flushMs = 1000;

const idle: EngineLoad = { running: 0, waiting: 0, cacheUsage: 0 };

/**
 * Listens first, so that a taken port is found before the model loads, and then loads
 * the model. A file that can be no model is refused before anything listens.
 */
export async function startServer(settings: ServerSettings, log: (line: string) => void): Promise<RunningServer> {
  await checkIsGguf(settings.model);
  let engine: Engine | undefined;
  const context: ServerContext = {
    settings,
    metrics: new ServerMetrics(settings.alias, () => engine?.load ?? idle),
    inFlight: new Set(),
    log,
    state: { status: 'loading' },
  };
  const server = createHttpServer(context);
  const url = await listen(server, settings);
  log(`listening on ${url}`);

  const loading = new AbortController();
  const load = async (): Promise<void> => {
    log(`loading ${settings.model}`);
    await checkDigest(settings.model, settings.modelSha256);
    engine = await Engine.load(settings, { signal: loading.signal, log });
    if (context.state.status === 'loading') {
      logFacts(engine, log);
      context.state = { status: 'ready', engine };
      log('ready');
    }
  };
  const ready = load().catch((error: unknown) => {
    if (!loading.signal.aborted) {
      throw error;
    }
  });

  return {
    url,
    ready,
    drain: async () => {
      context.state = { status: 'draining' };
      loading.abort();
      const deadline = setTimeout(() => {
        for (const controller of context.inFlight) {
          controller.abort(draining());
        }
      }, settings.drainTimeoutS * 1000);
      await ready.catch(() => undefined);
      await engine?.close();
      clearTimeout(deadline);
      await closeServer(server);
      await engine?.dispose();
    },
  };
}

function listen(server: Server, { host, port }: ServerSettings): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const place = `port ${port} on ${host}`;
      reject(
        error.code === 'EADDRINUSE'
          ? new AssayError('SETUP_FAILED', `${place} is already in use`, {
              hint: 'give another --port, or 0 for a free one',
              cause: error,
            })
          : new AssayError('SETUP_FAILED', `cannot listen to ${place}: ${messageOf(error)}`, {
              hint: 'check --host and --port',
              cause: error,
            }),
      );
    });
    server.listen({ host, port }, () => {
      const { address, port: chosen, family } = server.address() as AddressInfo;
      resolve(`http://${family === 'IPv6' ? `[${address}]` : address}:${chosen}`);
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), flushMs);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
  });
}

function logFacts({ facts }: Engine, log: (line: string) => void): void {
  log(
    `model loaded: ${facts.parameters} parameters, trained context ${facts.trainedContext}, vocabulary ${facts.vocabularySize}`,
  );
  log(`slots: ${facts.slots} of ${facts.contextPerSlot} tokens, ${facts.threads} thread(s), ${facts.cacheType} cache`);
}
