import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
const UNKNOWN = JSON.stringify({ errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }] });

/** A registry on this machine with one image, `team/tool:1`. */
export interface Registry {
  /** Its host and port. */
  readonly address: string;
  readonly reference: string;
  /** The digest that the tag names. */
  digest(): string;
  /** How often it was asked for anything. */
  asked(): number;
  /** Gives the tag to another image; the earlier one is still there by its digest. Answers the new digest. */
  moveTag(): string;
  /** From now on it takes requests and answers none; settles when the first comes. */
  fallSilent(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a registry whose image has the files of a tar. */
export async function startRegistry(tarFile: string): Promise<Registry> {
  const store = new Store(readFileSync(tarFile));
  let digest = store.addImage('first');
  let asked = 0;
  let onSilentRequest: (() => void) | null = null;
  const server = createServer((request, response) => {
    asked += 1;
    if (onSilentRequest === null) store.answer(request, response, digest);
    else onSilentRequest();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    address,
    reference: `${address}/team/tool:1`,
    digest: () => digest,
    asked: () => asked,
    moveTag: () => (digest = store.addImage(`after ${digest}`)),
    fallSilent: () => new Promise((resolve) => (onSilentRequest = resolve)),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

class Store {
  readonly #blobs = new Map<string, Buffer>();
  readonly #diffId: string;
  readonly #layer: Buffer;

  constructor(tar: Buffer) {
    this.#diffId = digestOf(tar);
    this.#layer = gzipSync(tar);
  }

  addImage(comment: string): string {
    const config = Buffer.from(
      JSON.stringify({
        architecture: process.arch === 'x64' ? 'amd64' : process.arch,
        os: 'linux',
        comment,
        config: { Env: ['PATH=/bin'] },
        rootfs: { type: 'layers', diff_ids: [this.#diffId] },
        history: [{ created_by: 'test' }],
      }),
    );
    const manifest = {
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: this.#add('application/vnd.docker.container.image.v1+json', config),
      layers: [this.#add('application/vnd.docker.image.rootfs.diff.tar.gzip', this.#layer)],
    };
    return this.#add(MANIFEST, Buffer.from(JSON.stringify(manifest))).digest;
  }

  answer(request: IncomingMessage, response: ServerResponse, tagged: string): void {
    const name = (request.url ?? '').split('/').at(-1) ?? '';
    const digest = name.startsWith('sha256:') ? name : tagged;
    const body = this.#blobs.get(digest);
    if (request.url === '/v2/') response.end('{}');
    else if (body === undefined) response.writeHead(404, { 'content-type': 'application/json' }).end(UNKNOWN);
    else {
      const type = (request.url ?? '').includes('/manifests/') ? MANIFEST : 'application/octet-stream';
      const headers = { 'content-type': type, 'content-length': body.length, 'docker-content-digest': digest };
      response.writeHead(200, headers).end(request.method === 'HEAD' ? undefined : body);
    }
  }

  #add(mediaType: string, content: Buffer): { mediaType: string; size: number; digest: string } {
    const digest = digestOf(content);
    this.#blobs.set(digest, content);
    return { mediaType, size: content.length, digest };
  }
}

function digestOf(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}
