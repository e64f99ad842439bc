import type { EventSourceParser, ParseError } from 'eventsource-parser';
import { createParser } from 'eventsource-parser';
import type { Dispatcher } from 'undici';
import type { Usage } from './stream-events.ts';
import { readStreamEvent, snippet } from './stream-events.ts';

/** Why a request did not give a whole answer. */
type FailureKind = 'http' | 'network' | 'timeout' | 'malformed' | 'server_error' | 'truncated' | 'empty' | 'aborted';

/** Everything seen of one request; times are `performance.now()` milliseconds. */
export interface RequestOutcome {
  readonly sentMs: number;
  readonly endedMs: number;
  /** Arrival of each chunk that carried a token. */
  readonly tokenChunksMs: readonly number[];
  /** When the server said why the answer ends (`finish_reason`); null when it did not. */
  readonly finishMs: number | null;
  /** As the server counted them; null when it did not say. */
  readonly usage: Usage | null;
  /** The HTTP status; null when no answer came. */
  readonly status: number | null;
  readonly failure: { readonly kind: FailureKind; readonly message: string } | null;
}

interface ExchangeOptions {
  /** The moment of the current socket read, milliseconds. */
  readonly readMoment: () => number;
  readonly timeoutMs: number;
  readonly onTokenChunk: () => void;
  readonly onSettled: (exchange: Exchange, outcome: RequestOutcome) => void;
}

const longestErrorBody = 4096;

/** One request and its streamed answer, as undici reports them. It settles exactly once. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #options: ExchangeOptions;
  readonly #sentMs = performance.now();
  readonly #timer: NodeJS.Timeout;
  readonly #decoder = new TextDecoder();
  readonly #parser: EventSourceParser;
  readonly #tokenChunksMs: number[] = [];
  #controller: Dispatcher.DispatchController | null = null;
  #status: number | null = null;
  #usage: Usage | null = null;
  #errorBody = '';
  #readMs = 0;
  #finishMs: number | null = null;
  #isDone = false;
  #isSettled = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#timer = setTimeout(() => {
      const seen = `${this.#tokenChunksMs.length} chunks came`;
      this.fail('timeout', `no end within ${options.timeoutMs} ms (${seen})`);
    }, options.timeoutMs);
    this.#parser = createParser({
      onEvent: ({ data }) => this.#takeEvent(data),
      onError: (error) => this.#takeParseError(error),
    });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // The request may have timed out while it waited for its connection.
    if (this.#isSettled) controller.abort(new Error('settled before it was sent'));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status;
  }

  onResponseData(_controller: Dispatcher.DispatchController, bytes: Buffer): void {
    this.#readMs = this.#options.readMoment();
    if (this.#isSettled) return;
    const text = this.#decoder.decode(bytes, { stream: true });
    if (this.#isRefused()) {
      if (this.#errorBody.length < longestErrorBody) this.#errorBody += text;
    } else {
      this.#parser.feed(text);
    }
  }

  onResponseEnd(): void {
    if (this.#isRefused()) {
      const body = snippet(this.#errorBody);
      this.fail('http', body === '' ? `${this.#status}` : `${this.#status}: ${body}`);
    } else if (this.#finishMs === null && !this.#isDone) {
      this.fail('truncated', 'the stream ended before [DONE] or a finish_reason');
    } else if (this.#tokenTimes().length === 0) {
      this.fail('empty', 'the stream ended without a token');
    } else {
      this.#settle(null, this.#options.readMoment());
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    // Some servers close the connection instead of ending the body.
    if (this.#isDone && this.#tokenTimes().length > 0) {
      return this.#settle(null, this.#readMs);
    }
    const code = 'code' in error ? `${String(error.code)} ` : '';
    this.fail('network', `${code}${error.message}`.trim());
  }

  /** Settles as a failure and closes the connection, unless it has settled before. */
  fail(kind: FailureKind, message: string): void {
    if (this.#isSettled) return;
    this.#settle({ kind, message }, performance.now());
    this.#controller?.abort(new Error(message));
  }

  #isRefused(): boolean {
    return this.#status !== null && this.#status >= 300;
  }

  #takeEvent(data: string): void {
    if (this.#isSettled) return;
    const event = readStreamEvent(data);
    switch (event.kind) {
      case 'chunk':
        if (event.carriesToken) this.#takeToken();
        if (event.isFinish) this.#finishMs ??= this.#readMs;
        if (event.usage !== null) this.#usage = event.usage;
        break;
      case 'done':
        this.#isDone = true;
        break;
      case 'error':
        this.fail('server_error', event.message);
        break;
      case 'malformed':
        this.fail('malformed', event.message);
        break;
    }
  }

  /** When tokens came. One that is the last, and whose bytes make no text, comes with the finish notice. */
  #tokenTimes(): readonly number[] {
    const isTextless = this.#tokenChunksMs.length === 0 && (this.#usage?.outputTokens ?? 0) > 0;
    return isTextless && this.#finishMs !== null ? [this.#finishMs] : this.#tokenChunksMs;
  }

  #takeToken(): void {
    this.#tokenChunksMs.push(this.#readMs);
    this.#options.onTokenChunk();
  }

  // llama-server reports an error in mid-stream as a field of its own: `error: {...}`.
  #takeParseError(error: ParseError): void {
    if (error.field === 'error') {
      this.#takeEvent(`{"error":${error.value ?? ''}}`);
    } else {
      this.fail('malformed', snippet(error.line ?? error.message));
    }
  }

  #settle(failure: RequestOutcome['failure'], endedMs: number): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    clearTimeout(this.#timer);
    this.#options.onSettled(this, {
      sentMs: this.#sentMs,
      endedMs,
      tokenChunksMs: this.#tokenTimes(),
      finishMs: this.#finishMs,
      usage: this.#usage,
      status: this.#status,
      failure,
    });
  }
}
