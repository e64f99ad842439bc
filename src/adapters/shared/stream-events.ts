/** Token counts as the server reports them, normally in the last chunk. */
export interface Usage {
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
}

/** What one server-sent event of an OpenAI-compatible stream says. */
type StreamEvent =
  | {
      readonly kind: 'chunk';
      readonly carriesToken: boolean;
      readonly isFinish: boolean;
      readonly usage: Usage | null;
    }
  | { readonly kind: 'done' }
  | { readonly kind: 'error'; readonly message: string }
  | { readonly kind: 'malformed'; readonly message: string };

type Fields = Readonly<Record<string, unknown>>;

const longestSnippet = 200;

/** Reads the `data` of one event; never throws. */
export function readStreamEvent(data: string): StreamEvent {
  if (data === '[DONE]') return { kind: 'done' };
  const chunk = parseFields(data);
  if (chunk === null) return { kind: 'malformed', message: `not a JSON object: ${snippet(data)}` };
  const error = errorIn(chunk);
  if (error !== null) return { kind: 'error', message: snippet(error) };
  const choice = Array.isArray(chunk['choices']) ? asFields(chunk['choices'][0]) : null;
  return {
    kind: 'chunk',
    carriesToken: choice !== null && carriesToken(choice),
    isFinish: typeof choice?.['finish_reason'] === 'string',
    usage: usageIn(asFields(chunk['usage'])),
  };
}

/** The head of what a server sent, on one line, for an error text. */
export function snippet(text: string): string {
  return text.slice(0, longestSnippet).replace(/\s+/g, ' ').trim();
}

/**
 * An empty text in mid-stream is a token too: its bytes do not make a whole
 * character yet. Only the announcement of the role and the finish notice are
 * empty without a token.
 */
function carriesToken(choice: Fields): boolean {
  const delta = asFields(choice['delta']);
  const texts = delta ? [delta['content'], delta['reasoning_content'], delta['reasoning']] : [choice['text']];
  if (texts.some((text) => typeof text === 'string' && text !== '')) return true;
  const isNotice = typeof choice['finish_reason'] === 'string' || delta?.['role'] !== undefined;
  return !isNotice && texts.includes('');
}

function errorIn(chunk: Fields): string | null {
  const error = chunk['object'] === 'error' ? chunk : chunk['error'];
  if (error === undefined || error === null) return null;
  const message = asFields(error)?.['message'] ?? error;
  return typeof message === 'string' ? message : JSON.stringify(message);
}

function usageIn(usage: Fields | null): Usage | null {
  if (usage === null) return null;
  return {
    inputTokens: asCount(usage['prompt_tokens']),
    outputTokens: asCount(usage['completion_tokens']),
  };
}

function parseFields(text: string): Fields | null {
  try {
    return asFields(JSON.parse(text));
  } catch {
    return null;
  }
}

function asFields(value: unknown): Fields | null {
  return isFields(value) ? value : null;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asCount(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}
