import type { LlamaContextSequence } from 'node-llama-cpp';
import { BatchScheduler } from './batch-scheduler.ts';
import { generationTask, scoringTask, type Generation, type Scoring, type SequenceTask } from './generation.ts';
import { loadRuntime, type LlamaRuntime, type ModelFacts } from './llama-runtime.ts';
import type { ChatMessage } from './openai-schema.ts';
import type { ServerSettings } from './server-argv.ts';
import type { EngineLoad } from './server-metrics.ts';
import type { GeneratedToken } from './text-stream.ts';

interface LoadOptions {
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** One model, its slots and the queue before them. */
export class Engine {
  readonly facts: ModelFacts;
  /** Seconds since the epoch. */
  readonly loadedAt = Math.floor(Date.now() / 1000);
  readonly #runtime: LlamaRuntime;
  readonly #scheduler: BatchScheduler<LlamaContextSequence>;
  readonly #prefillChunk: number;

  private constructor(runtime: LlamaRuntime, maxWaiting: number) {
    this.facts = runtime.facts;
    this.#runtime = runtime;
    // The prompts of all slots together fill at most one batch.
    this.#prefillChunk = Math.max(1, Math.floor(runtime.facts.batchSize / runtime.facts.slots));
    this.#scheduler = new BatchScheduler({
      slots: runtime.sequences,
      maxWaiting,
      clear: (sequence) => sequence.clearHistory(),
    });
  }

  /** Loads the model; every failure is a known error. */
  static async load(settings: ServerSettings, options: LoadOptions): Promise<Engine> {
    return new Engine(await loadRuntime(settings, options), settings.maxQueue);
  }

  get load(): EngineLoad {
    const used = this.#runtime.sequences.reduce((sum, sequence) => sum + sequence.nextTokenIndex, 0);
    return {
      running: this.#scheduler.running,
      waiting: this.#scheduler.waiting,
      cacheUsage: used / (this.facts.contextPerSlot * this.facts.slots),
    };
  }

  tokenize(text: string): readonly number[] {
    return this.#runtime.tokenize(text);
  }

  tokenizeChat(messages: readonly ChatMessage[]): readonly number[] {
    return this.#runtime.tokenizeChat(messages);
  }

  describe(token: number): GeneratedToken {
    return this.#runtime.describe(token);
  }

  /** Settles when the generation is over and its slot is free again; rejects as `BatchScheduler.run` does. */
  generate(generation: Generation, signal: AbortSignal): Promise<void> {
    return this.#run(generationTask(generation, this.#prefillChunk), signal);
  }

  /** Natural-log probability of each prompt token but the first, over the full vocabulary at temperature 1. */
  async score(scoring: Scoring, signal: AbortSignal): Promise<readonly number[]> {
    const logprobs: number[] = [];
    const limits = { prefillChunk: this.#prefillChunk, vocabularySize: this.facts.vocabularySize };
    await this.#run(scoringTask(scoring, logprobs, limits), signal);
    return logprobs;
  }

  /** Refuses waiting and new requests; settles when the running ones have finished. */
  close(): Promise<void> {
    return this.#scheduler.close();
  }

  /** Frees everything llama.cpp holds; call after `close`. */
  dispose(): Promise<void> {
    return this.#runtime.dispose();
  }

  async #run(task: SequenceTask, signal: AbortSignal): Promise<void> {
    try {
      await this.#scheduler.run(task, signal);
    } finally {
      await task.end();
    }
  }
}
