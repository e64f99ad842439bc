import type { numpy } from '@jax-js/jax';
import { byteVocabularySize, type LlamaShape } from '../shared/gguf-llama.ts';
import type { Jax } from './jax-runtime.ts';
import { viewOf, weightCount, weightLayout } from './weights.ts';

type Tensor = numpy.Array;
type NamedTensors = Record<string, Tensor>;

/** Token windows of one length; a window predicts each of its tokens but the first. */
export type TokenWindows = readonly Int32Array[];

/** Mean negative log-likelihood of a batch (nats per token) and its gradient, laid out like the weights. */
export interface LossGradient {
  readonly loss: number;
  readonly gradient: Float32Array;
}

/** The compiled model: pure functions of flat weights and token windows. */
export interface ByteLlama {
  /** Loss and gradient of one batch; compiled anew for each new batch shape. */
  readonly lossGradient: (weights: Float32Array, windows: TokenWindows) => Promise<LossGradient>;
  /** Per window, the negative log-likelihood in nats of its tokens 1..n-1 given all before them. */
  readonly tokenNlls: (weights: Float32Array, windows: TokenWindows) => Promise<readonly Float32Array[]>;
}

/** A llama decoder over bytes: RMSNorm, rotary pairs, causal attention, SwiGLU, no weight sharing. */
export function createByteLlama(jax: Jax, shape: LlamaShape): ByteLlama {
  const layout = weightLayout(shape);
  const windowNlls = createWindowNlls(jax, shape);
  const forward = jax.jit(windowNlls);
  const backward = jax.jit(
    jax.valueAndGrad((weights: NamedTensors, tokens: Tensor) => jax.numpy.mean(windowNlls(weights, tokens))),
  );

  const upload = (weights: Float32Array): NamedTensors =>
    Object.fromEntries(
      layout.map((slice) => [slice.name, jax.numpy.array(viewOf(weights, slice), { shape: [...slice.shape] })]),
    );

  const uploadTokens = (windows: TokenWindows): Tensor => {
    const length = windows[0]?.length ?? 0;
    const flat = new Int32Array(windows.length * length);
    windows.forEach((window, row) => flat.set(window, row * length));
    return jax.numpy.array(flat, { shape: [windows.length, length], dtype: jax.numpy.int32 });
  };

  return {
    async lossGradient(weights, windows) {
      const [loss, gradients] = backward(upload(weights), uploadTokens(windows));
      const gradient = new Float32Array(weightCount(layout));
      for (const slice of layout) {
        gradient.set(await download(named(gradients, slice.name)), slice.offset);
      }
      return { loss: (await download(loss))[0] ?? Number.NaN, gradient };
    },
    async tokenNlls(weights, windows) {
      const flat = await download(forward(upload(weights), uploadTokens(windows)));
      const perWindow = flat.length / windows.length;
      return windows.map((_, row) => flat.slice(row * perWindow, (row + 1) * perWindow));
    },
  };
}

/** (weights, tokens [batch, n]) to negative log-likelihoods [batch, n - 1]; consumes one reference of each input. */
function createWindowNlls(jax: Jax, shape: LlamaShape): (weights: NamedTensors, tokens: Tensor) => Tensor {
  const { numpy: np, nn } = jax;
  const attend = createAttention(jax, shape);
  const normalize = (x: Tensor, weight: Tensor): Tensor => {
    const meanSquare = np.mean(np.square(x.ref), -1, { keepdims: true });
    return x.div(np.sqrt(meanSquare.add(shape.normEpsilon))).mul(weight);
  };

  return (weights, tokens) => {
    const [batch = 0, length = 0] = tokens.shape;
    const weight = (name: string): Tensor => named(weights, `${name}.weight`);
    const linear = (x: Tensor, name: string): Tensor => np.matmul(x, np.transpose(weight(name)));

    // A one-hot product, because the gradient of a gather cannot be compiled.
    let x = np.matmul(nn.oneHot(tokens.ref.reshape([batch * length]), byteVocabularySize), weight('token_embd'));
    for (let layer = 0; layer < shape.layers; layer += 1) {
      const block = `blk.${layer}`;
      const h = normalize(x.ref, weight(`${block}.attn_norm`));
      const query = linear(h.ref, `${block}.attn_q`);
      const key = linear(h.ref, `${block}.attn_k`);
      const value = linear(h, `${block}.attn_v`);
      x = x.add(linear(attend([query, key, value], batch, length), `${block}.attn_output`));
      const f = normalize(x.ref, weight(`${block}.ffn_norm`));
      const gate = nn.silu(linear(f.ref, `${block}.ffn_gate`));
      x = x.add(linear(gate.mul(linear(f, `${block}.ffn_up`)), `${block}.ffn_down`));
    }
    const last = normalize(x, weight('output_norm')).reshape([batch, length, shape.width]);
    const predicting = last.slice([], [0, length - 1], []).reshape([batch * (length - 1), shape.width]);
    const logProbabilities = nn.logSoftmax(linear(predicting, 'output'), -1);
    const targets = nn.oneHot(tokens.slice([], [1, length]).reshape([batch * (length - 1)]), byteVocabularySize);
    return np.negative(np.sum(logProbabilities.mul(targets), -1)).reshape([batch, length - 1]);
  };
}

type Attention = (inputs: readonly [Tensor, Tensor, Tensor], batch: number, length: number) => Tensor;

function createAttention(jax: Jax, shape: LlamaShape): Attention {
  const { numpy: np, nn } = jax;
  const headWidth = shape.width / shape.heads;

  return ([query, key, value], batch, length) => {
    const split = (x: Tensor): Tensor => np.transpose(x.reshape([batch, length, shape.heads, headWidth]), [0, 2, 1, 3]);
    const { cosines, sines } = rotations(length, headWidth, shape.ropeBase);
    const rotate = (x: Tensor): Tensor => {
      const pairs = x.reshape([batch, shape.heads, length, headWidth / 2, 2]);
      const even = pairs.ref.slice([], [], [], [], [0, 1]);
      const odd = pairs.slice([], [], [], [], [1, 2]);
      const cos = np.array(cosines, { shape: [length, headWidth / 2, 1] });
      const sin = np.array(sines, { shape: [length, headWidth / 2, 1] });
      const rotatedEven = even.ref.mul(cos.ref).sub(odd.ref.mul(sin.ref));
      const rotatedOdd = even.mul(sin).add(odd.mul(cos));
      return np.concatenate([rotatedEven, rotatedOdd], 4).reshape([batch, shape.heads, length, headWidth]);
    };

    const scores = np.matmul(rotate(split(query)), np.transpose(rotate(split(key)), [0, 1, 3, 2]));
    const visible = np.tri(length).astype(np.bool);
    const masked = np.where(visible, scores.mul(headWidth ** -0.5), -1e9);
    const mixed = np.matmul(nn.softmax(masked, -1), split(value));
    return np.transpose(mixed, [0, 2, 1, 3]).reshape([batch * length, shape.width]);
  };
}

function rotations(length: number, headWidth: number, base: number): { cosines: Float32Array; sines: Float32Array } {
  const pairs = headWidth / 2;
  const angles = Array.from({ length: length * pairs }, (_, index) => {
    const position = Math.floor(index / pairs);
    return position * base ** (-(index % pairs) / pairs);
  });
  return { cosines: Float32Array.from(angles, Math.cos), sines: Float32Array.from(angles, Math.sin) };
}

function named(tensors: NamedTensors, name: string): Tensor {
  const tensor = tensors[name];
  if (tensor === undefined) {
    throw new RangeError(`no weight is named ${name}`);
  }
  return tensor;
}

async function download(tensor: Tensor): Promise<Float32Array> {
  return (await tensor.data()) as Float32Array;
}
