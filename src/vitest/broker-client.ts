import { createConnection } from 'node:net';
import { jsonLine, onJsonLine } from '../core/json-lines.ts';
import type { BrokerAnswer, BrokerRequest } from './broker.ts';

type Outcome = BrokerAnswer['outcome'];

/** A worker's line to the broker. */
export interface BrokerClient {
  /** Asks for cells; the broker may start them all before anyone waits for one. */
  prefetch(cells: readonly string[]): void;
  /** Waits for a cell that was asked for, however long it takes. */
  outcome(cell: string): Promise<Outcome>;
  close(): void;
}

/** Connects a worker to the broker. */
export function connectToBroker(path: string): BrokerClient {
  const socket = createConnection(path);
  const waiting = new Map<string, PromiseWithResolver>();
  const waitFor = (cell: string): PromiseWithResolver => {
    const entry = waiting.get(cell) ?? withResolver();
    waiting.set(cell, entry);
    return entry;
  };
  onJsonLine(socket, (message) => {
    const { cell, outcome } = message as BrokerAnswer;
    waitFor(cell).resolve(outcome);
  });
  let lost: Outcome | null = null;
  // An error is always followed by a close.
  socket.on('error', () => undefined);
  socket.on('close', () => {
    lost = { state: 'unknown', reason: 'the session that runs the cells is gone' };
    for (const entry of waiting.values()) entry.resolve(lost);
  });
  return {
    prefetch: (cells) => void socket.write(jsonLine({ cells } satisfies BrokerRequest)),
    outcome: (cell) => (lost === null ? waitFor(cell).promise : Promise.resolve(waiting.get(cell)?.promise ?? lost)),
    close: () => socket.destroy(),
  };
}

interface PromiseWithResolver {
  readonly promise: Promise<Outcome>;
  readonly resolve: (outcome: Outcome) => void;
}

function withResolver(): PromiseWithResolver {
  let resolve: (outcome: Outcome) => void = () => undefined;
  const promise = new Promise<Outcome>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
