import { describe, expect, it } from 'vitest';
import { plainChatPrompt } from '../../../../src/adapters/llama-cpp/chat-prompt.ts';

describe('plainChatPrompt', () => {
  it('writes one line per message and asks the assistant to go on', () => {
    const prompt = plainChatPrompt([
      { role: 'system', content: 'Be short.' },
      { role: 'user', content: 'Why?' },
    ]);
    expect(prompt).toBe('system: Be short.\nuser: Why?\nassistant:');
  });
});
