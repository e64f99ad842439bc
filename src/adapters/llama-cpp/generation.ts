import type { LlamaContextSequence, SequenceEvaluateOutput, Token } from 'node-llama-cpp';
import type { BatchTask } from './batch-scheduler.ts';

/** How the next token is chosen; temperature 0 takes the most likely one. */
export interface Sampling {
  readonly temperature: number;
  readonly topP: number;
  /** Below 1: all tokens. */
  readonly topK: number;
  readonly minP: number;
  readonly seed: number;
}

/** One text to generate. */
export interface Generation {
  readonly prompt: readonly number[];
  readonly sampling: Sampling;
  /** The request got its slot. */
  readonly onStart: () => void;
  /** Gets each token as it comes; true ends the generation. */
  readonly onToken: (token: number) => boolean;
}

/** A task that holds resources of llama.cpp until it is ended. */
export interface SequenceTask extends BatchTask<LlamaContextSequence> {
  end(): Promise<void>;
}

/**
 * Generates token by token. A prompt longer than `prefillChunk` is taken in by several
 * steps, so that it does not hold up the tokens of the others for longer than one batch.
 */
export function generationTask(generation: Generation, prefillChunk: number): SequenceTask {
  const prompt = generation.prompt as readonly Token[] as Token[];
  let taken = 0;
  let tokens: AsyncGenerator<SequenceEvaluateOutput<object>, void, void> | undefined;

  return {
    async step(sequence) {
      if (taken === 0) {
        generation.onStart();
      }
      if (tokens === undefined && prompt.length - taken > prefillChunk) {
        await sequence.evaluateWithoutGeneratingNewTokens(prompt.slice(taken, taken + prefillChunk));
        taken += prefillChunk;
        return false;
      }
      tokens ??= sequence.evaluateWithMetadata(
        prompt.slice(taken),
        {},
        { ...generation.sampling, yieldEogToken: true },
      );
      taken = prompt.length;
      const next = await tokens.next();
      if (next.done === true) {
        throw new Error('llama.cpp gave no token');
      }
      return generation.onToken(next.value.token);
    },
    async end() {
      await tokens?.return();
    },
  };
}

/** A prompt to score. */
export interface Scoring {
  readonly prompt: readonly number[];
  readonly onStart: () => void;
}

interface ScoringLimits {
  readonly prefillChunk: number;
  readonly vocabularySize: number;
}

// Each scored position brings the probabilities of the whole vocabulary with it.
const probabilitiesPerStep = 1_000_000;

// JSON has no negative infinity; this is the number vLLM sends for it.
const impossible = -9999;

/**
 * Fills `logprobs` with the natural logarithm of the probability of each prompt token but
 * the first, given all before it: over the full vocabulary, at temperature 1, unfiltered.
 */
export function scoringTask(scoring: Scoring, logprobs: number[], limits: ScoringLimits): SequenceTask {
  const prompt = scoring.prompt as readonly Token[];
  const perStep = Math.max(1, Math.floor(probabilitiesPerStep / limits.vocabularySize));
  const stepSize = Math.min(limits.prefillChunk, perStep);

  return {
    async step(sequence) {
      const start = logprobs.length;
      if (start === 0) {
        scoring.onStart();
      }
      const given = prompt.slice(start, Math.min(start + stepSize, prompt.length - 1));
      // Greedy choice changes no logit, so these are the probabilities of the model itself.
      const outputs = await sequence.controlledEvaluate(
        given.map((token) => [token, { generateNext: { probabilities: true } }]),
      );
      given.forEach((_, index) => {
        const scored = prompt[start + index + 1];
        const probability = scored === undefined ? undefined : outputs[index]?.next.probabilities?.get(scored);
        if (probability === undefined) {
          throw new Error('llama.cpp gave no probability');
        }
        logprobs.push(Math.max(Math.log(probability), impossible));
      });
      return logprobs.length >= prompt.length - 1;
    },
    end: () => Promise.resolve(),
  };
}
