import type { ModelCard } from '../shared/model-card.ts';

/** The page beside a tiny model, in Markdown: what it is, what it scores and how to make it again. */
export function renderModelReadme(card: ModelCard): string {
  return [title(card), figures(card), corpus(card), heldOut(card), determinism, provenance].join('\n');
}

function title({ name, file, bytes, parameters, contextLength }: ModelCard): string {
  return `# ${name}

A byte-level llama of ${thousands(parameters)} parameters, small enough to be committed and real enough to be served:
\`${file}\` (${thousands(bytes)} bytes, F32) loads in any llama.cpp, has a context of ${contextLength} tokens and writes
English-looking text about measuring computers. It knows nothing.

One command writes this page, \`${name}.json\` (the same figures for programs), \`${file}\` and \`heldout.txt\`:

    npm run model:train
`;
}

function figures({ sha256, architecture, training, heldOut }: ModelCard): string {
  const { layers, width, heads, feedForward, vocabularySize } = architecture;
  return `| | |
| --- | --- |
| sha256 | \`${sha256}\` |
| architecture | llama: ${layers} layers, width ${width}, ${heads} heads, SwiGLU ${feedForward}, vocabulary ${vocabularySize} (unk, bos, eos, 256 bytes) |
| trained by | ${training.engine} ${training.engineVersion} (WebAssembly, one core), ${minutes(training.durationMs)} min on a shared 2-core machine |
| steps | ${training.steps} of ${training.tokensPerStep} tokens (windows of ${training.windowLength} bytes), seed ${training.seed} |
| schedule | Adam, peak learning rate ${training.peakLearningRate}, ${training.warmupSteps} warm-up steps, cosine to ${training.finalLearningRateShare} of the peak, weight decay ${training.weightDecay}, gradient norm clipped at ${training.maxGradNorm} |
| training loss | ${training.firstLoss.toFixed(4)} at the first step, ${training.finalLoss.toFixed(4)} over the last ${training.finalLossSteps} (nats per byte) |
| held-out NLL | ${heldOut.nll.toFixed(4)} nats per byte, perplexity ${heldOut.perplexity.toFixed(4)} per byte |
`;
}

function corpus({ training }: ModelCard): string {
  return `## Corpus

\`corpus/*.txt\`, ${thousands(training.corpusBytes)} bytes: the files in name order, trimmed, with a blank line between two.
The sha256 of that text is \`${training.corpusSha256}\`.
Every tenth paragraph is held out; the others, joined by blank lines, are the training text. Text is fed as raw bytes: byte b is token b + 3, no begin or end token. In the file's
vocabulary the space is spelled U+2581, because a llama tokenizer rewrites spaces to that before it looks for tokens.
`;
}

function heldOut({ heldOut: { file, windowLength, windows, positions } }: ModelCard): string {
  return `## Held-out figure

\`${file}\` is cut into ${windows} consecutive windows of ${windowLength} bytes from its start, without overlap; a shorter rest is
not used. Each window is scored alone, from an empty context, with no begin token: its first byte is given, its bytes
1..${windowLength - 1} are predicted (${thousands(positions)} positions in all). The NLL is the mean over all positions, in nats per byte;
the card also holds the mean of each window, so that a part can be checked.

llama.cpp finds the same figure on its own: per window within 0.00001 nats when it keeps keys and values in F32 without
flash attention, and within 0.0005 at its defaults, which keep them in F16. A test holds it to both.
`;
}

const determinism = `## What is deterministic

The first weights depend on the seed and the tensor's name, the batch of a step on the seed and the step's number. The
arithmetic runs on one thread in a fixed order: with the same Node version on the same machine, two trainings give the
same file, byte for byte. The engine uses fused multiply-add where the runtime and the processor offer it, so another
Node version or processor may round differently. Such differences grow with the steps: then the sha256 is another one,
and the losses are close but not equal.
`;

const provenance = `## Provenance

The corpus was written for this repository and copied from nowhere; like the model it is under the repository's licence.
`;

function thousands(value: number): string {
  return value.toLocaleString('en-US');
}

function minutes(durationMs: number): string {
  return (durationMs / 60_000).toFixed(1);
}
