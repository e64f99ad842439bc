import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textPrompt, tokenPrompt } from '../../../../src/adapters/shared/prompts.ts';

const plans = fc
  .record({
    inputTokens: fc.integer({ min: 1, max: 40 }),
    firstTokenId: fc.nat(200),
    span: fc.integer({ min: 1, max: 50_000 }),
    seed: fc.integer(),
  })
  .map(({ inputTokens, firstTokenId, span, seed }) => ({
    inputTokens,
    vocabulary: { firstTokenId, size: firstTokenId + span },
    seed,
  }));

function prompts<T>(count: number, prompt: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => prompt(index));
}

describe('tokenPrompt', () => {
  it('has exactly the asked length and only tokens of the vocabulary', () => {
    fc.assert(
      fc.property(plans, fc.nat(100_000), (plan, index) => {
        const { firstTokenId, size } = plan.vocabulary;
        const prompt = tokenPrompt(plan, index);
        expect(prompt).toHaveLength(plan.inputTokens);
        expect(prompt.every((id) => Number.isInteger(id) && id >= firstTokenId && id < size)).toBe(true);
      }),
    );
  });

  it('is reproduced by the seed and changed by another', () => {
    const plan = { inputTokens: 64, vocabulary: { firstTokenId: 3, size: 32_000 }, seed: 11 };
    expect(tokenPrompt(plan, 5)).toEqual(tokenPrompt({ ...plan }, 5));
    expect(tokenPrompt({ ...plan, seed: 12 }, 5)[0]).not.toBe(tokenPrompt(plan, 5)[0]);
  });

  it('differs from the next one at the first token wherever there are two tokens', () => {
    fc.assert(
      fc.property(plans, fc.nat(10_000), (plan, index) => {
        fc.pre(plan.vocabulary.size - plan.vocabulary.firstTokenId > 1);
        expect(tokenPrompt(plan, index)[0]).not.toBe(tokenPrompt(plan, index + 1)[0]);
      }),
    );
  });

  it('uses a tiny vocabulary up before it repeats a prompt', () => {
    const plan = { inputTokens: 3, vocabulary: { firstTokenId: 1, size: 11 }, seed: 2 };
    const all = prompts(1000, (index) => tokenPrompt(plan, index).join());
    expect(new Set(all).size).toBe(1000);
  });

  it('spreads over the whole vocabulary behind its head', () => {
    const plan = { inputTokens: 4000, vocabulary: { firstTokenId: 0, size: 50 }, seed: 2 };
    expect(new Set(tokenPrompt(plan, 0)).size).toBe(50);
  });
});

describe('textPrompt', () => {
  const plan = { inputTokens: 12, vocabulary: { firstTokenId: 0, size: 3 }, seed: 2 };

  it('has one word per token, whatever the token vocabulary is', () => {
    expect(textPrompt(plan, 0)).toMatch(/^([a-z]+ ){11}[a-z]+$/);
    expect(textPrompt(plan, 0)).toBe(textPrompt(plan, 0));
  });

  it('is distinct for each request', () => {
    expect(new Set(prompts(5000, (index) => textPrompt(plan, index))).size).toBe(5000);
  });
});
