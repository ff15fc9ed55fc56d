/** Tensors in messages between threads: memory is transferred, strings are one block with end offsets. */
import type { Datatype, Tensor } from '../tensors/tensors.ts';

export interface PackedTensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly data: Exclude<Tensor['data'], readonly Buffer[]> | PackedTexts;
  readonly nulls?: Uint8Array;
}

interface PackedTexts {
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;
}

/** Strings that are extracted from their block per turn of the event loop: about a millisecond. */
const TEXTS_AT_ONCE = 5000;

export function packTensors(tensors: readonly Tensor[]): {
  readonly tensors: readonly PackedTensor[];
  readonly moved: readonly ArrayBuffer[];
} {
  const moved = new Set<ArrayBuffer>();
  const move = (view: ArrayBufferView) => moved.add(view.buffer as ArrayBuffer);
  const packed = tensors.map(({ name, datatype, shape, data, nulls }): PackedTensor => {
    if (nulls !== undefined) move(nulls);
    const rest = { name, datatype, shape, ...(nulls !== undefined && { nulls }) };
    if (!isTexts(data)) {
      move(data);
      return { ...rest, data };
    }
    const ends = new Uint32Array(data.length);
    let end = 0;
    for (const [index, text] of data.entries()) ends[index] = end += text.length;
    const bytes = new Uint8Array(end);
    for (const [index, text] of data.entries()) bytes.set(text, (ends[index] as number) - text.length);
    move(ends);
    move(bytes);
    return { ...rest, data: { bytes, ends } };
  });
  return { tensors: packed, moved: [...moved] };
}

export async function unpackTensors(packed: readonly PackedTensor[]): Promise<Tensor[]> {
  const tensors: Tensor[] = [];
  for (const { data, ...rest } of packed) {
    tensors.push({ ...rest, data: 'ends' in data ? await cutTexts(data) : data });
  }
  return tensors;
}

async function cutTexts({ bytes, ends }: PackedTexts): Promise<Buffer[]> {
  const block = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const texts: Buffer[] = [];
  for (let index = 0; index < ends.length; index++) {
    if (index > 0 && index % TEXTS_AT_ONCE === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    texts.push(block.subarray(index === 0 ? 0 : ends[index - 1], ends[index]));
  }
  return texts;
}

function isTexts(data: Tensor['data']): data is readonly Buffer[] {
  return Array.isArray(data);
}
