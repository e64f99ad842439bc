import { isIPv4, isIPv6 } from 'node:net';

/** A machine as a host list names it; null is not stated. */
export interface ListedHost {
  readonly host: string;
  readonly user: string | null;
  readonly port: number | null;
}

/** A user name that ssh cannot take for an option. */
export const USER = /^\w[\w.@-]*$/;

/** How a host list names a machine: `host`, `user@host:port` or `user@[v6]:port`; an IPv6 address without a port needs no brackets. */
export const LISTED_HOST =
  /^(?:(?<user>\w[\w.@-]*)@)?(?:(?<bare>[\da-fA-F]*:[\da-fA-F]*:[\da-fA-F:.]*)|(?:\[(?<v6>[\da-fA-F:.]+)\]|(?<name>[A-Za-z\d][\w.-]*))(?::(?<port>\d+))?)$/;

/**
 * Whether this is a host name or an IP address, and so safe in a path and on a command line. Digits alone
 * are neither: ssh reads `10` as 0.0.0.10.
 */
export function isHost(text: string): boolean {
  if (/^[\d.]+$/.test(text)) return isIPv4(text);
  return /^[A-Za-z\d][\w.-]*$/.test(text) || isIPv6(text);
}

/** Takes a listed host apart; null when it names no machine. */
export function parseListedHost(text: string): ListedHost | null {
  const { user = null, bare, v6, name, port } = LISTED_HOST.exec(text)?.groups ?? {};
  const host = bare ?? v6 ?? name ?? '';
  return isHost(host) ? { host, user, port: port === undefined ? null : Number(port) } : null;
}

/** Whether a host is the machine that this process runs on, by one of its three usual names. */
export function isThisMachine(host: string): boolean {
  return ['localhost', '127.0.0.1', '::1'].includes(host.toLowerCase());
}

/** Whether a host is an address of this machine that no other reaches: several of them make several nodes of it. */
export function isLoopback(host: string): boolean {
  return isThisMachine(host) || /^127(?:\.\d{1,3}){3}$/.test(host);
}
