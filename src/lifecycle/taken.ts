import { connect } from 'node:net';

const CONNECT_TIMEOUT_MS = 2000;

/** Whether a program listens at the host and port of a URL. One that cannot be reached does not. */
export function isTaken(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: Number(port),
      timeout: CONNECT_TIMEOUT_MS,
    });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
  });
}
