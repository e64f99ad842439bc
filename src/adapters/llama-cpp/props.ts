import { request } from 'undici';
import { z } from 'zod';
import { WorkloadFailure } from '../../evidence/failure.ts';
import type { LaunchedRole } from '../../lifecycle/adapter.ts';
import { messageOf } from '../../core/errors.ts';

// Our server tells all of it; llama-server tells its slots, and the context under another name.
const propsSchema = z.object({
  total_slots: z.int(),
  n_ctx: z.int().optional(),
  n_threads: z.int().optional(),
  default_generation_settings: z.object({ n_ctx: z.int() }).optional(),
  build_info: z.string().optional(),
  engine: z.object({ name: z.string(), version: z.string(), llama_cpp: z.string().nullish() }).optional(),
});

const modelsSchema = z.object({ data: z.array(z.object({ meta: z.object({ n_vocab: z.int() }) })).min(1) });

/** What a running server says of itself. */
export interface ServerProps {
  readonly slots: number;
  /** Context per slot, tokens; null when the server does not say. */
  readonly contextPerSlot: number | null;
  readonly threads: number | null;
  readonly backend: string;
  readonly vocabularySize: number;
  readonly versions: Readonly<Record<string, string>>;
}

/** A server that answers. */
export interface Serving {
  readonly launched: LaunchedRole;
  readonly baseUrl: string;
  readonly props: ServerProps;
}

/** Asks a server what is in force. Rejects with a setup_failure when it does not say. */
export async function readProps(baseUrl: string): Promise<ServerProps> {
  try {
    const props = propsSchema.parse(await getJson(`${baseUrl}/props`));
    const models = modelsSchema.parse(await getJson(`${baseUrl}/v1/models`));
    const { engine } = props;
    return {
      slots: props.total_slots,
      contextPerSlot: props.n_ctx ?? props.default_generation_settings?.n_ctx ?? null,
      threads: props.n_threads ?? null,
      backend: engine?.name ?? 'llama-server',
      vocabularySize: models.data[0]?.meta.n_vocab ?? 0,
      versions: engine === undefined ? { 'llama.cpp': props.build_info ?? 'unknown' } : versionsOf(engine),
    };
  } catch (thrown) {
    throw new WorkloadFailure('setup_failure', `the server does not describe itself: ${messageOf(thrown)}`);
  }
}

function versionsOf(engine: NonNullable<z.output<typeof propsSchema>['engine']>): Record<string, string> {
  return { [engine.name]: engine.version, ...(engine.llama_cpp ? { 'llama.cpp': engine.llama_cpp } : {}) };
}

async function getJson(url: string): Promise<unknown> {
  const { statusCode, body } = await request(url, { signal: AbortSignal.timeout(5000) });
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`${url} answered ${statusCode}: ${text.slice(0, 200)}`);
  return JSON.parse(text);
}
