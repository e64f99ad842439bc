import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Engine } from './engine.ts';
import { HttpError } from './http-exchange.ts';
import type { ServerSettings } from './server-argv.ts';
import type { ServerMetrics } from './server-metrics.ts';

/** Where the server is in its life. */
export type ServerState =
  | { readonly status: 'loading' }
  | { readonly status: 'ready'; readonly engine: Engine }
  | { readonly status: 'draining' };

/** What every request handler may use. */
export interface ServerContext {
  readonly settings: ServerSettings;
  readonly metrics: ServerMetrics;
  /** One controller per request that is being answered; aborting it ends the request. */
  readonly inFlight: Set<AbortController>;
  readonly log: (line: string) => void;
  state: ServerState;
}

/** A request that has arrived, and what is needed to answer it. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly context: ServerContext;
  /** Aborted when the client is gone or the server cannot wait any longer. */
  readonly signal: AbortSignal;
}

/** The loaded model; an `HttpError` while there is none. */
export function readyEngine({ state }: ServerContext): Engine {
  switch (state.status) {
    case 'ready':
      return state.engine;
    case 'loading':
      throw new HttpError(503, 'the model is still loading', {
        code: 'loading_model',
        headers: { 'retry-after': '1' },
      });
    case 'draining':
      throw draining();
  }
}

/** The refusal of a server that is shutting down. */
export function draining(): HttpError {
  return new HttpError(503, 'the server is shutting down', { code: 'draining' });
}
