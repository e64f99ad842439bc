import type { ChatMessage } from './openai-schema.ts';

/**
 * The prompt of a chat for a model that brings no template of its own: one line
 * `role: content` per message, then `assistant:` for the model to go on from.
 */
export function plainChatPrompt(messages: readonly ChatMessage[]): string {
  return [...messages.map(({ role, content }) => `${role}: ${content}\n`), 'assistant:'].join('');
}
