import { describeExit } from './exit.ts';
import type { Exit } from './exit.ts';

/** What ssh says when it fails, what that means, and what to do: the first that applies. */
const CAUSES: readonly (readonly [pattern: RegExp, meaning: string, next: string])[] = [
  [
    /^Timeout, server .* not responding|^client_loop: |^Connection (to .* )?closed by remote|^mux_client_.*(read|write)|^Connection reset/m,
    'the connection broke off',
    'check the network, and that the host is up',
  ],
  [/^ssh: Could not resolve hostname/m, 'no such name', 'correct its address in the cluster file'],
  [/Connection refused\s*$/m, 'the connection was refused', 'check that sshd runs there, and its port'],
  [
    /(Connection|Operation) timed out|Connection timeout|timed out during banner exchange/,
    'no answer to the connection',
    'check its address, the network and firewalls',
  ],
  [/No route to host|Network is unreachable/, 'there is no way to it', 'check its address and the network'],
  [
    /Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED|host key is known/,
    'its host key is not the known one',
    'log in once by hand, or correct the file of known hosts',
  ],
  [
    /Permission denied \(|Too many authentication failures/,
    'the login was denied',
    'check user and ssh_key, and that the key needs no passphrase',
  ],
];

/** Why ssh to a host failed, and what to do, from how the client ended and what it said. */
export function explainSsh(host: string, exit: Exit, stderr: string): string {
  const said = stderr.trim();
  const cause = CAUSES.find(([pattern]) => pattern.test(said));
  if (cause !== undefined) return `ssh to ${host}: ${cause[1]}; ${cause[2]}`;
  const lastLine = said.split('\n').at(-1) ?? '';
  return `ssh to ${host} ${describeExit(exit)}${lastLine === '' ? '' : `: ${lastLine}`}`;
}
