/** What is known of a vocabulary: the text of each token as the model file spells it. */
export interface Vocabulary {
  readonly tokens: readonly string[];
  /** "gpt2" spells each byte as one printable character; others spell odd bytes as `<0xHH>`. */
  readonly kind: string | undefined;
  /** The text of a token that is whole text; U+FFFD where it is not. */
  readonly textOf: (token: number) => string;
}

const replacement = '\uFFFD';

/** The exact bytes a token stands for, also when they are only part of a character; none for control tokens. */
export function tokenBytes(token: number, vocabulary: Vocabulary): Uint8Array {
  const text = vocabulary.textOf(token);
  if (!text.includes(replacement)) {
    return Buffer.from(text);
  }
  const spelled = vocabulary.tokens[token] ?? '';
  const byte = /^<0x([0-9A-F]{2})>$/i.exec(spelled)?.[1];
  if (byte !== undefined) {
    return Uint8Array.of(Number.parseInt(byte, 16));
  }
  return vocabulary.kind === 'gpt2' ? gpt2Bytes(spelled) : Buffer.from(text);
}

/** GPT-2 tokenizers write printable Latin-1 bytes as themselves and the other 68 as U+0100 upwards. */
function gpt2Bytes(spelled: string): Uint8Array {
  return Uint8Array.from(spelled, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x1_00 ? code : (unprintableBytes[code - 0x1_00] ?? 0);
  });
}

const unprintableBytes = Array.from({ length: 256 }, (_, byte) => byte).filter(
  (byte) => byte <= 0x20 || (byte >= 0x7f && byte <= 0xa0) || byte === 0xad,
);
