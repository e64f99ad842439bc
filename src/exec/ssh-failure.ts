import { describeExit } from './exit.ts';
import type { Exit } from './exit.ts';

const BROKE_OFF = 'the connection broke off; check the network, and that the host is up';

/** What ssh says when it fails, and what that means: the first that applies. */
const CAUSES: readonly (readonly [pattern: RegExp, meaning: string])[] = [
  [/^(Timeout, server .* not responding|client_loop: |Connection (to .* )?closed by remote host)/m, BROKE_OFF],
  [/^ssh: Could not resolve hostname/m, 'no such name; correct its address in the cluster file'],
  [
    /^ssh: connect to host .*: Connection refused/m,
    'the connection was refused; check that sshd runs there, and its port',
  ],
  [
    /^ssh: connect to host .* timed out|^Connection timed out during banner exchange/m,
    'no answer to the connection; check its address, the network and firewalls',
  ],
  [
    /^ssh: connect to host .* (No route to host|Network is unreachable)/m,
    'no way to it; check its address and the network',
  ],
  [
    /^(Host key verification failed|No .* host key is known for)/m,
    'its host key is not the known one; log in once by hand, or correct the file of known hosts',
  ],
  [
    /^\S+: Permission denied \(|Too many authentication failures/m,
    'the login was denied; check user and ssh_key, and that the key needs no passphrase',
  ],
];

/** Why ssh to a host failed, and what to do, from how the client ended and what it said. */
export function explainSsh(host: string, exit: Exit, stderr: string): string {
  const said = stderr.trim();
  const cause = CAUSES.find(([pattern]) => pattern.test(said));
  if (cause !== undefined) return `ssh to ${host}: ${cause[1]}`;
  // A client of a shared connection has no words for its end; the last ones may be those of the command.
  const meaning = exit.kind === 'exited' && exit.code === 255 ? `: ${BROKE_OFF}` : ` ${describeExit(exit)}`;
  const lastLine = said.split('\n').at(-1) ?? '';
  return `ssh to ${host}${meaning}${lastLine === '' ? '' : `; the last words were: ${lastLine}`}`;
}
