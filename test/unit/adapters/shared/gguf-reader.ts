import { readFile } from 'node:fs/promises';
import { readGgufFileInfo, type GgufFileInfo } from 'node-llama-cpp';

/** A tensor as it lies in a file: GGUF lists the innermost dimension first. */
export interface ReadTensor {
  readonly name: string;
  readonly dimensions: readonly number[];
  /** Offset of the first value in the file, bytes. */
  readonly start: number;
  readonly data: Float32Array;
}

/** Reads an F32 GGUF file by the description that node-llama-cpp's own reader gives of it. */
export async function readGguf(path: string): Promise<{ info: GgufFileInfo; tensors: readonly ReadTensor[] }> {
  const info = await readGgufFileInfo(path, { logWarnings: false });
  const file = await readFile(path);
  const tensors = info.tensorInfo!.map(({ name, dimensions, offset }) => {
    const size = dimensions.reduce<number>((product, dimension) => product * Number(dimension), 1);
    const start = info.infoEndOffset! + Number(offset);
    const data = Float32Array.from({ length: size }, (_, index) => file.readFloatLE(start + index * 4));
    return { name, dimensions: dimensions.map(Number), start, data };
  });
  return { info, tensors };
}
