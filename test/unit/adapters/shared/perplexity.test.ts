import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ScoringUnsupported, scoreWindow, windowsOf } from '../../../../src/adapters/shared/perplexity.ts';

/** A server that answers every request alike, and keeps the last body it got. */
async function stub(status: number, answer: string) {
  const seen: { body: unknown } = { body: null };
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on('end', () => {
      seen.body = JSON.parse(text);
      response.writeHead(status).end(answer);
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const { signal } = new AbortController();
const score = (url: string) => scoreWindow(url, { model: 'm', text: 'abc', signal });

describe('scoreWindow', () => {
  it('asks for the prompt alone and adds up all but its first token', async () => {
    const { url, seen } = await stub(
      200,
      JSON.stringify({ choices: [{ logprobs: { token_logprobs: [null, -1.5, -0.25] } }] }),
    );
    expect(await score(url)).toEqual({ nll: 1.75, tokens: 2 });
    expect(seen.body).toEqual({ model: 'm', prompt: 'abc', max_tokens: 0, echo: true, logprobs: 1, temperature: 0 });
  });

  it.each([
    [400, '{"error":{"message":"echo is not supported"}}'],
    [200, '{"choices":[{"text":"abc"}]}'],
    [200, '<html>'],
  ])('calls an answer of %d %s unsupported', async (status, answer) => {
    const { url } = await stub(status, answer);
    await expect(score(url)).rejects.toThrow(ScoringUnsupported);
    await expect(score(url)).rejects.toThrow(`status ${status}: ${answer}`);
  });
});

describe('windowsOf', () => {
  it('cuts whole windows and leaves out a shorter rest', () => {
    expect(windowsOf(Buffer.from('abcdefgh'), 3)).toEqual(['abc', 'def']);
    expect(windowsOf(Buffer.from('ab'), 3)).toEqual([]);
  });
});
