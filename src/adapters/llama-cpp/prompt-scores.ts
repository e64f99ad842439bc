import type { PromptScores } from './openai-reply.ts';

/** The text of consecutive tokens, given as bytes; bytes that are no text become U+FFFD. */
export function promptText(tokens: readonly Uint8Array[]): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(tokens));
}

/**
 * The log-probabilities of a prompt in OpenAI's shape. `logprobs` has one number per token
 * but the first. A token that is only part of a character is written `bytes:\xNN...`.
 */
export function promptScores(tokens: readonly Uint8Array[], logprobs: readonly number[]): PromptScores {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const offsets: number[] = [];
  let length = 0;
  for (const token of tokens) {
    offsets.push(length);
    length += Array.from(decoder.decode(token, { stream: true })).length;
  }
  return {
    tokens: tokens.map(tokenText),
    token_logprobs: tokens.map((_, index) => (index === 0 ? null : (logprobs[index - 1] ?? null))),
    text_offset: offsets,
  };
}

function tokenText(bytes: Uint8Array): string {
  const text = promptText([bytes]);
  return text.includes('\uFFFD')
    ? `bytes:${Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}`
    : text;
}
