import type { IncomingMessage, ServerResponse } from 'node:http';

// Also bounds how long a prompt can keep the tokenizer, and with it everybody, busy.
const maxBodyBytes = 1024 * 1024;

interface HttpErrorDetails {
  /** Short name of the reason, for programs. */
  readonly code: string;
  /** The field of the body that is wrong. */
  readonly param?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer that is an error, in OpenAI's shape. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  readonly details: HttpErrorDetails;

  constructor(status: number, message: string, details: HttpErrorDetails) {
    super(message);
    this.status = status;
    this.details = details;
  }

  /** The body to send. */
  get body(): object {
    const { code, param = null } = this.details;
    return { error: { message: this.message, type: errorType(this.status), param, code } };
  }
}

function errorType(status: number): string {
  if (status === 429) {
    return 'rate_limit_error';
  }
  if (status === 503) {
    return 'service_unavailable_error';
  }
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

/** Sends a complete JSON answer. */
export function sendJson(
  response: ServerResponse,
  body: unknown,
  {
    status = 200,
    headers = {},
  }: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}

/** The JSON body of a request; what is no JSON, too large or of another media type is an `HttpError`. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const mediaType = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (mediaType !== undefined && mediaType !== 'application/json') {
    throw new HttpError(415, `content-type must be application/json (got ${JSON.stringify(mediaType)})`, {
      code: 'unsupported_media_type',
    });
  }
  const text = (await readBytes(request)).toString('utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new HttpError(400, `the body is no JSON: ${error instanceof Error ? error.message : ''}`, {
      code: 'invalid_json',
    });
  }
}

function readBytes(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBodyBytes) {
        chunks.push(chunk);
      }
    });
    request.on('error', reject);
    // A body that is too large is read to its end all the same: a client that is
    // still sending would not see the answer. The request timeout limits how long.
    request.on('end', () => {
      if (size <= maxBodyBytes) {
        resolve(Buffer.concat(chunks));
      } else {
        reject(
          new HttpError(413, `the body has ${size} bytes, at most ${maxBodyBytes} are allowed`, {
            code: 'body_too_large',
          }),
        );
      }
    });
  });
}
