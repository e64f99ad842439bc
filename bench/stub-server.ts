import type { Socket } from 'node:net';
import { createServer } from 'node:net';
import type { StubRecord } from './stub-schedule.ts';
import { clockMs, stubSchedule, stubTokens } from './stub-schedule.ts';

// Plain sockets: node:http holds a chunk back until the end of the tick, and
// then the recorded moment would not be the moment of the write.
const records = new Map<string, StubRecord>();

const server = createServer((socket) => {
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  let pending = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    pending += text;
    const headEnd = pending.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const bodyLength = Number(/content-length: (\d+)/i.exec(pending)?.[1] ?? 0);
    if (pending.length < headEnd + 4 + bodyLength) return;
    const requestId = /x-request-id: (\S+)/i.exec(pending)?.[1] ?? '';
    pending = '';
    answer(socket, requestId);
  });
});

function answer(socket: Socket, requestId: string): void {
  const record: StubRecord = { receivedMs: clockMs(), writtenMs: [] };
  records.set(requestId, record);
  socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n');
  const { ttftMs, gapsMs } = stubSchedule(requestId);
  const writeToken = (dueMs: number): void => {
    const isLast = record.writtenMs.length === stubTokens - 1;
    const bytes = isLast ? lastBytes : tokenBytes;
    record.writtenMs.push(clockMs());
    socket.write(bytes);
    if (!isLast) at(dueMs + (gapsMs[record.writtenMs.length - 1] ?? 0), writeToken);
  };
  at(record.receivedMs + ttftMs, writeToken);
}

function at(dueMs: number, act: (dueMs: number) => void): void {
  setTimeout(() => act(dueMs), Math.max(1, Math.round(dueMs - clockMs())));
}

function event(data: string): string {
  const text = `data: ${data}\n\n`;
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

function token(finishReason: string | null): string {
  const choice = { index: 0, text: ' token', logprobs: null, finish_reason: finishReason };
  const head = { id: 'cmpl-0', object: 'text_completion', created: 0, model: 'stub' };
  return event(JSON.stringify({ ...head, choices: [choice] }));
}

const usage = { prompt_tokens: 0, completion_tokens: stubTokens };
const tokenBytes = Buffer.from(token(null));
const lastBytes = Buffer.from(
  `${token('length')}${event(JSON.stringify({ choices: [], usage }))}${event('[DONE]')}0\r\n\r\n`,
);

process.on('message', () => {
  process.send?.(Object.fromEntries(records));
  records.clear();
});
process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => process.send?.(server.address()));
