import type * as NodeLlamaCpp from 'node-llama-cpp';
import type { ChatHistoryItem, Llama, LlamaContext, LlamaContextSequence, LlamaModel, Token } from 'node-llama-cpp';
import { AssayError, messageOf } from '../../core/errors.ts';
import { plainChatPrompt } from './chat-prompt.ts';
import type { ChatMessage } from './openai-schema.ts';
import type { ServerSettings } from './server-argv.ts';
import type { GeneratedToken } from './text-stream.ts';
import { tokenBytes, type Vocabulary } from './token-bytes.ts';

type Library = typeof NodeLlamaCpp;

/** What is really in force after loading, as opposed to what was asked for. */
export interface ModelFacts {
  readonly parameters: number;
  /** Bytes of all tensors. */
  readonly tensorBytes: number;
  readonly trainedContext: number;
  readonly vocabularySize: number;
  readonly slots: number;
  /** Tokens one slot can hold. */
  readonly contextPerSlot: number;
  /** Token cells llama.cpp allocated for all slots together. */
  readonly allocatedContext: number;
  readonly batchSize: number;
  readonly threads: number;
  /** Number type of the key/value cache. */
  readonly cacheType: string;
  readonly chatTemplate: 'model' | 'plain';
  readonly engineVersion: string;
  readonly llamaCppRelease: string;
  readonly buildType: string;
  readonly systemInfo: string;
}

/** A loaded model with its slots. */
export interface LlamaRuntime {
  readonly facts: ModelFacts;
  readonly sequences: readonly LlamaContextSequence[];
  /** Tokens of a text, with the model's own begin token where it asks for one. */
  tokenize(text: string): Token[];
  tokenizeChat(messages: readonly ChatMessage[]): Token[];
  /** A token as its bytes, and whether it ends a generation. */
  describe(token: number): GeneratedToken;
  dispose(): Promise<void>;
}

interface LoadOptions {
  readonly signal: AbortSignal;
  /** Gets each line llama.cpp has to say. */
  readonly log: (line: string) => void;
}

interface Loaded {
  readonly library: Library;
  readonly llama: Llama;
  readonly model: LlamaModel;
  readonly context: LlamaContext;
}

// The cache keeps keys and values as exactly as they were computed, so that served
// log-probabilities can be compared with those of an engine that rounds nothing.
const cacheType = 'F32';

/** Loads the model of `settings` on the CPU; every failure is a known error. */
export async function loadRuntime(settings: ServerSettings, options: LoadOptions): Promise<LlamaRuntime> {
  const library = await importLibrary();
  const llama = await startLlama(library, settings, options);
  try {
    const model = await llama.loadModel({ modelPath: settings.model, loadSignal: options.signal });
    const context = await createContext(model, settings, options.signal);
    return await describeRuntime({ library, llama, model, context }, settings);
  } catch (error) {
    await llama.dispose();
    if (error instanceof AssayError || options.signal.aborted) {
      throw error;
    }
    throw new AssayError('SETUP_FAILED', `model ${settings.model} cannot be loaded: ${messageOf(error)}`, {
      hint: 'check that the file is complete and of an architecture that llama.cpp knows',
      cause: error,
    });
  }
}

async function importLibrary(): Promise<Library> {
  try {
    return await import('node-llama-cpp');
  } catch (error) {
    throw new AssayError('SETUP_FAILED', `node-llama-cpp cannot be imported: ${messageOf(error).split('\n', 1)[0]}`, {
      hint: 'npm install node-llama-cpp@3.21.1',
      cause: error,
    });
  }
}

async function startLlama(library: Library, settings: ServerSettings, { log }: LoadOptions): Promise<Llama> {
  try {
    return await library.getLlama({
      gpu: false,
      build: 'never',
      skipDownload: true,
      progressLogs: false,
      maxThreads: settings.threads,
      logger: (level, message) => {
        for (const line of message.split('\n').filter((text) => text.trim() !== '')) {
          log(`llama.cpp ${level}: ${line}`);
        }
      },
    });
  } catch (error) {
    throw new AssayError('SETUP_FAILED', `node-llama-cpp has no binary that works here: ${messageOf(error)}`, {
      hint: 'npm install node-llama-cpp@3.21.1 with its optional dependencies',
      cause: error,
    });
  }
}

async function createContext(
  model: LlamaModel,
  settings: ServerSettings,
  createSignal: AbortSignal,
): Promise<LlamaContext> {
  const contextSize = settings.ctxSize ?? model.trainContextSize;
  if (contextSize > model.trainContextSize) {
    throw new AssayError(
      'SETUP_FAILED',
      `--ctx-size ${contextSize} is above the ${model.trainContextSize} tokens the model was trained on`,
      { hint: `use ${model.trainContextSize} or less` },
    );
  }
  return model.createContext({
    sequences: settings.parallel,
    contextSize,
    threads: settings.threads,
    flashAttention: false,
    experimentalKvCacheKeyType: cacheType,
    experimentalKvCacheValueType: cacheType,
    // All tasks of a step ask for their decode in one go, so the batch is complete
    // as soon as their turn of the event loop is over.
    batching: { dispatchSchedule: (dispatch) => process.nextTick(dispatch) },
    failedCreationRemedy: false,
    createSignal,
  });
}

async function describeRuntime(loaded: Loaded, settings: ServerSettings): Promise<LlamaRuntime> {
  const { library, llama, model, context } = loaded;
  const { tokenizer } = model.fileInfo.metadata;
  const vocabulary = tokenizer.ggml.tokens;
  const template = tokenizer.chat_template;
  // Some tokenizers drop the blank of a token that has nothing before it.
  const before = model.tokenize('a').slice(-1);

  return {
    facts: {
      parameters: countParameters(model),
      tensorBytes: model.size,
      trainedContext: model.trainContextSize,
      vocabularySize: vocabulary.length,
      slots: context.totalSequences,
      contextPerSlot: Math.min(settings.ctxSize ?? model.trainContextSize, context.contextSize),
      allocatedContext: context.getAllocatedContextSize(),
      batchSize: context.batchSize,
      threads: context.currentThreads,
      cacheType,
      chatTemplate: template === undefined ? 'plain' : 'model',
      engineVersion: await library.getModuleVersion(),
      llamaCppRelease: llama.llamaCppRelease.release,
      buildType: llama.buildType,
      systemInfo: llama.systemInfo,
    },
    sequences: Array.from({ length: context.totalSequences }, () => context.getSequence()),
    tokenize: (text) => withBegin(model, model.tokenize(text)),
    tokenizeChat:
      template === undefined
        ? (messages) => withBegin(model, model.tokenize(plainChatPrompt(messages)))
        : templateTokenizer(library, model, template),
    describe: describeOnce(model, {
      tokens: vocabulary,
      kind: tokenizer.ggml.model,
      textOf: (token) => model.detokenize([token as Token], false, before),
    }),
    dispose: async () => {
      // With a context still open, disposing llama hangs now and then.
      await context.dispose();
      await llama.dispose();
    },
  };
}

function withBegin(model: LlamaModel, tokens: Token[]): Token[] {
  const { bos, shouldPrependBosToken } = model.tokens;
  return shouldPrependBosToken && bos !== null ? [bos, ...tokens] : tokens;
}

function templateTokenizer(
  library: Library,
  model: LlamaModel,
  template: string,
): (messages: readonly ChatMessage[]) => Token[] {
  const wrapper = new library.JinjaTemplateChatWrapper({ template, tokenizer: model.tokenizer });
  return (messages) => {
    const chatHistory = [...messages.map(historyItem), { type: 'model' as const, response: [] }];
    return wrapper.generateContextState({ chatHistory }).contextText.tokenize(model.tokenizer);
  };
}

function historyItem({ role, content }: ChatMessage): ChatHistoryItem {
  switch (role) {
    case 'system':
    case 'developer':
      return { type: 'system', text: content };
    case 'assistant':
      return { type: 'model', response: [content] };
    case 'user':
    case 'tool':
      return { type: 'user', text: content };
  }
}

function describeOnce(model: LlamaModel, vocabulary: Vocabulary): (token: number) => GeneratedToken {
  const known = new Map<number, GeneratedToken>();
  return (token) => {
    let described = known.get(token);
    if (described === undefined) {
      described = { bytes: tokenBytes(token, vocabulary), isEnd: model.isEogToken(token as Token) };
      known.set(token, described);
    }
    return described;
  };
}

function countParameters(model: LlamaModel): number {
  const tensors = model.fileInfo.fullTensorInfo ?? [];
  return tensors.reduce((sum, tensor) => sum + tensor.dimensions.reduce<number>((n, size) => n * Number(size), 1), 0);
}
