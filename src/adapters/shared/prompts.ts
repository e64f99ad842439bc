import type { LoadPlan } from './load-plan.ts';
import { createRandom, drawInteger } from './random.ts';

type PromptPlan = Pick<LoadPlan, 'inputTokens' | 'vocabulary' | 'seed'>;

/**
 * The prompt of request `index` as exactly `inputTokens` token ids. Two indexes
 * never give the same prompt, and neighbours differ from their first token on,
 * so no prefix cache can help (as far as a tiny vocabulary and length allow).
 */
export function tokenPrompt(plan: PromptPlan, index: number): number[] {
  const { firstTokenId, size } = plan.vocabulary;
  const span = size - firstTokenId;
  const random = createRandom(plan.seed, `prompt/${index}`);
  const prompt = indexDigits(plan, index);
  // A plain loop: this runs while answers stream in, and Array.from takes three times as long.
  while (prompt.length < plan.inputTokens) prompt.push(firstTokenId + drawInteger(random, span));
  return prompt;
}

/** The prompt of request `index` as text: `inputTokens` common words, one token each in most vocabularies. */
export function textPrompt(plan: PromptPlan, index: number): string {
  const vocabulary = { firstTokenId: 0, size: words.length };
  return tokenPrompt({ ...plan, vocabulary }, index)
    .map((word) => words[word])
    .join(' ');
}

/** The index as the head of a prompt: its digits in base `span`, lowest first. */
function indexDigits({ inputTokens, vocabulary, seed }: PromptPlan, index: number): number[] {
  const span = vocabulary.size - vocabulary.firstTokenId;
  const digits: number[] = [];
  let rest = index + seedOffset(seed);
  while (rest > 0 && span > 1 && digits.length < inputTokens) {
    digits.push(vocabulary.firstTokenId + (rest % span));
    rest = Math.floor(rest / span);
  }
  return digits;
}

// Keeps the heads of two seeds apart: without it every run would begin with the same tokens.
function seedOffset(seed: number): number {
  return 2 ** 31 + drawInteger(createRandom(seed, 'prompt-offset'), 2 ** 31);
}

const words: readonly string[] = (
  'time year people way day man thing woman life child world school state family student group ' +
  'country problem hand part place case week company system program question work government number ' +
  'night point home water room mother area money story fact month lot right study book eye job word ' +
  'business issue side kind head house service friend father power hour game line end member law car'
).split(' ');
