import { z } from 'zod';
import { maxSeed } from './server-argv.ts';

const maxStopTexts = 16;
const maxStopLength = 1000;
const maxReportedProblems = 20;

const stopText = z.string().min(1).max(maxStopLength);
const stopSchema = z
  .union([stopText, z.array(stopText).max(maxStopTexts)], {
    error: `must be a text or at most ${maxStopTexts} texts, each of 1 to ${maxStopLength} characters`,
  })
  .default([])
  .transform((stop) => (typeof stop === 'string' ? [stop] : stop));

const flag = z.boolean().default(false);
const count = z.int().min(0).max(0x7f_ff_ff_ff);

/** A field of the OpenAI interface that would change the answer and is not implemented: only its neutral value passes. */
function neutral<const T extends z.core.util.Literal>(value: T): z.ZodOptional<z.ZodLiteral<T>> {
  return z.literal(value, { error: `only ${JSON.stringify(value)} is supported by this server` }).optional();
}

const emptyList = z.array(z.never(), { error: 'is not supported by this server' }).max(0).optional();

const sharedFields = {
  model: z.string().optional(),
  temperature: z.number().min(0).max(2).default(1),
  top_p: z.number().gt(0).max(1).default(1),
  top_k: z.int().min(-1).default(-1),
  min_p: z.number().min(0).max(1).default(0),
  seed: z.int().min(0).max(maxSeed).optional(),
  min_tokens: count.default(0),
  ignore_eos: flag,
  stop: stopSchema,
  stream: flag,
  stream_options: z.looseObject({ include_usage: flag }).optional(),
  n: neutral(1),
  frequency_penalty: neutral(0),
  presence_penalty: neutral(0),
  repetition_penalty: neutral(1),
  logit_bias: z.strictObject({}, { error: 'is not supported by this server' }).optional(),
};

const promptSchema = z.custom<string | readonly number[]>().superRefine((prompt, context) => {
  if (typeof prompt === 'string' ? prompt === '' : !Array.isArray(prompt) || prompt.length === 0) {
    context.addIssue({ code: 'custom', message: 'must be a text or an array of token ids, and not empty' });
    return;
  }
  // Only the first bad element: an array of a million of them is one mistake, not a million.
  const bad = typeof prompt === 'string' ? -1 : prompt.findIndex((token) => !Number.isInteger(token) || token < 0);
  if (bad !== -1) {
    context.addIssue({ code: 'custom', path: [bad], message: 'must be a token id' });
  }
});

/** Body of POST /v1/completions. Scoring is `echo`, `logprobs` and `max_tokens: 0` together. */
export const completionSchema = z
  .looseObject({
    ...sharedFields,
    prompt: promptSchema,
    max_tokens: count.default(16),
    echo: flag,
    logprobs: z.int().min(0).max(5).optional(),
    best_of: neutral(1),
    suffix: neutral(''),
  })
  .superRefine((body, context) => {
    checkShared(body, context);
    const isScoring = body.max_tokens === 0;
    const problem = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (isScoring !== body.echo) {
      problem('echo', 'must be true with max_tokens 0, and only then: it asks for the logprobs of the prompt');
    }
    if (isScoring !== (body.logprobs !== undefined)) {
      problem('logprobs', 'must be set with max_tokens 0, and only then: only the prompt is scored');
    }
    if (isScoring && body.stream) {
      problem('stream', 'must be false with max_tokens 0');
    }
  });

const contentSchema = z
  .union([z.string(), z.array(z.looseObject({ type: z.literal('text'), text: z.string() })).min(1)], {
    error: 'must be a text or an array of {"type": "text", "text": ...} parts',
  })
  .transform((content) => (typeof content === 'string' ? content : content.map((part) => part.text).join('')));

/** Body of POST /v1/chat/completions. */
export const chatSchema = z
  .looseObject({
    ...sharedFields,
    messages: z
      .array(
        z.looseObject({
          role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
          content: contentSchema,
        }),
      )
      .min(1),
    /** Left out: as many as the slot still holds. */
    max_tokens: count.min(1).optional(),
    max_completion_tokens: count.min(1).optional(),
    logprobs: neutral(false),
    response_format: z.looseObject({ type: neutral('text') }).optional(),
    tools: emptyList,
    functions: emptyList,
  })
  .superRefine(checkShared);

/** A completion request as the server understands it. */
export type CompletionRequest = z.infer<typeof completionSchema>;

/** A chat request as the server understands it. */
export type ChatRequest = z.infer<typeof chatSchema>;

/** One message of a chat, its parts joined. */
export type ChatMessage = ChatRequest['messages'][number];

interface SharedFields {
  readonly stream: boolean;
  readonly stream_options?: unknown;
  readonly min_tokens: number;
  readonly max_tokens?: number | undefined;
  readonly max_completion_tokens?: number | undefined;
}

function checkShared(body: SharedFields, context: z.core.$RefinementCtx): void {
  const problem = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message });
  if (body.stream_options !== undefined && !body.stream) {
    problem('stream_options', 'is only allowed with stream: true');
  }
  const maxTokens = body.max_completion_tokens ?? body.max_tokens;
  if (maxTokens !== undefined && body.min_tokens > maxTokens) {
    problem('min_tokens', `must not be larger than max_tokens, which is ${maxTokens}`);
  }
}

/** What is wrong with a body, located; `field` is the first place. */
export interface BodyProblems {
  readonly field: string;
  readonly message: string;
}

/** A body that keeps its schema, or everything that is wrong with it. A field that is null counts as left out. */
export function readBody<T>(
  schema: z.ZodType<T>,
  body: unknown,
): { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: BodyProblems } {
  const given =
    typeof body === 'object' && body !== null && !Array.isArray(body)
      ? Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null))
      : body;
  const parsed = schema.safeParse(given);
  if (parsed.success) {
    return { ok: true, value: parsed.data };
  }
  const { issues } = parsed.error;
  const lines = issues.slice(0, maxReportedProblems).map((issue) => describeIssue(issue, given));
  if (issues.length > maxReportedProblems) {
    lines.push(`and ${issues.length - maxReportedProblems} more`);
  }
  return { ok: false, problems: { field: placeOf(issues[0]?.path ?? []), message: lines.join('; ') } };
}

function describeIssue(issue: z.core.$ZodIssue, body: unknown): string {
  const value = issue.path.reduce<unknown>(
    (part, key) => (typeof part === 'object' && part !== null ? Reflect.get(part, key) : undefined),
    body,
  );
  const got = value === undefined ? '' : ` (got ${JSON.stringify(value).slice(0, 60)})`;
  return `${placeOf(issue.path)}: ${issue.message}${got}`;
}

function placeOf(path: readonly PropertyKey[]): string {
  return (
    path.reduce<string>(
      (place, key) =>
        typeof key === 'number' ? `${place}[${key}]` : `${place}${place === '' ? '' : '.'}${String(key)}`,
      '',
    ) || 'body'
  );
}
