import { request } from 'undici';
import { z } from 'zod';

const scoredSchema = z.object({
  choices: z.array(z.object({ logprobs: z.object({ token_logprobs: z.array(z.number().nullable()) }) })).length(1),
});

/** Thrown when a server cannot score a prompt: what it would say is not measured, which is no failure of the workload. */
export class ScoringUnsupported extends Error {
  override readonly name = 'ScoringUnsupported';
}

/** How well a served model predicts one window of text. */
export interface WindowScore {
  /** Sum of the negative log-likelihoods of all predicted tokens, nats. */
  readonly nll: number;
  /** Predicted tokens: all but the first of the window. */
  readonly tokens: number;
}

/** Cuts a text into consecutive windows of `length` bytes; a shorter rest is left out. */
export function windowsOf(text: Buffer, length: number): readonly string[] {
  const count = Math.floor(text.length / length);
  return Array.from({ length: count }, (_, index) => text.toString('utf8', index * length, (index + 1) * length));
}

/**
 * Scores a window through `/v1/completions` with `echo` and `logprobs`: the
 * server evaluates the prompt and generates nothing. Rejects with
 * ScoringUnsupported when the server refuses that or answers without a score for every token.
 */
export async function scoreWindow(
  baseUrl: string,
  { model, text, signal }: { readonly model: string; readonly text: string; readonly signal: AbortSignal },
): Promise<WindowScore> {
  const { statusCode, body } = await request(`${baseUrl}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, prompt: text, max_tokens: 0, echo: true, logprobs: 1, temperature: 0 }),
    signal,
  });
  const answer = await body.text();
  const scored = statusCode === 200 ? scoredSchema.safeParse(parseJson(answer)) : null;
  if (scored?.success !== true) throw new ScoringUnsupported(`status ${statusCode}: ${answer.slice(0, 200)}`);
  const logprobs = scored.data.choices.flatMap(({ logprobs: { token_logprobs: values } }) => values).filter(isNumber);
  return { nll: -logprobs.reduce((sum, value) => sum + value, 0), tokens: logprobs.length };
}

function isNumber(value: number | null): value is number {
  return value !== null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
