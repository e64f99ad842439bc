/** A step of the optimizer: changes `weights` in place. */
export type ApplyGradient = (weights: Float32Array, gradient: Float32Array, learningRate: number) => void;

interface AdamOptions {
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  /** Decoupled weight decay, per step and unit of learning rate. */
  readonly weightDecay?: number;
}

/** Adam with decoupled weight decay over a flat array of `size` weights; holds the two moments. */
export function createAdam(size: number, options: AdamOptions = {}): ApplyGradient {
  const { beta1 = 0.9, beta2 = 0.99, epsilon = 1e-8, weightDecay = 0 } = options;
  const first = new Float32Array(size);
  const second = new Float32Array(size);
  let step = 0;

  return (weights, gradient, learningRate) => {
    step += 1;
    const firstCorrection = 1 - beta1 ** step;
    const secondCorrection = 1 - beta2 ** step;
    for (let index = 0; index < size; index += 1) {
      const slope = gradient[index] ?? 0;
      const weight = weights[index] ?? 0;
      const mean = beta1 * (first[index] ?? 0) + (1 - beta1) * slope;
      const square = beta2 * (second[index] ?? 0) + (1 - beta2) * slope * slope;
      first[index] = mean;
      second[index] = square;
      const change = mean / firstCorrection / (Math.sqrt(square / secondCorrection) + epsilon);
      weights[index] = weight - learningRate * (change + weightDecay * weight);
    }
  };
}
