/** The base URL of a server by its address, which may be one of IPv6, and its port. */
export function servingUrl(address: string, port: number): string {
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}`;
}
