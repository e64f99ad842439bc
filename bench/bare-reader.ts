import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { clockMs } from './stub-schedule.ts';

// The least a reader can do: sockets that note when bytes come, in a process of
// their own. What these get wrong, the machine gets wrong, at the very time the
// client under test runs.

const port = Number(process.argv[2]);
const everyMs = 20;
const idle: Socket[] = [];
/** When each token of each answer came, on the shared clock. */
let reads: Record<string, number[]> = {};
let inFlight = 0;

function send(): void {
  const requestId = `bare-${Object.keys(reads).length}`;
  const readMs: number[] = [];
  const socket = idle.pop() ?? connect(port, '127.0.0.1').setNoDelay(true).setEncoding('latin1');
  socket.on('data', (bytes: string) => {
    const momentMs = clockMs();
    for (let tokens = bytes.split('"text"').length - 1; tokens > 0; tokens -= 1) {
      readMs.push(momentMs);
    }
    if (bytes.endsWith('0\r\n\r\n')) {
      idle.push(socket.removeAllListeners('data'));
      inFlight -= 1;
    }
  });
  socket.write(`POST / HTTP/1.1\r\nx-request-id: ${requestId}\r\ncontent-length: 0\r\n\r\n`);
  reads[requestId] = readMs;
  inFlight += 1;
}

function report(): void {
  if (inFlight > 0) {
    setTimeout(report, everyMs);
    return;
  }
  process.send?.(reads);
  reads = {};
}

let timer: NodeJS.Timeout | undefined;
process.on('message', (order) => {
  if (order === 'start') {
    timer = setInterval(send, everyMs);
  } else {
    clearInterval(timer);
    report();
  }
});
process.on('disconnect', () => process.exit(0));
