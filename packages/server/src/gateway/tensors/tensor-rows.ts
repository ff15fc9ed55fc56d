/** Rows of tensors: counting, joining and splitting batches, size in bytes. */
import { WORTH_KEEPING, type BufferPool } from '#lib/concurrency/buffer-pool.ts';
import type { Tensor, TensorData } from './tensors.ts';

type NumberArray = Exclude<TensorData, readonly Buffer[]>;

export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const dimension of shape) count *= dimension;
  return count;
}

export function tensorBytes({ data }: Tensor): number {
  if (isNumbers(data)) return data.byteLength;
  let bytes = 0;
  for (const value of data) bytes += value.length + 4;
  return bytes;
}

/** Returns the first dimension if it is the same for all inputs; else undefined. */
export function rowsOf(inputs: readonly Tensor[]): number | undefined {
  const rows = inputs[0]?.shape[0];
  for (const { shape } of inputs) if (shape[0] !== rows) return undefined;
  return rows;
}

/**
 * Joins tensors of several requests with equal names, types and shapes after the first dimension. Large results use
 * memory from `memory`, if given.
 */
export function joinRows(requests: readonly (readonly Tensor[])[], memory?: BufferPool): Tensor[] {
  const [first = []] = requests;
  return first.map(({ name, datatype, shape }, index) => {
    const parts = requests.map((tensors) => (tensors[index] as Tensor).data);
    let rows = 0;
    for (const tensors of requests) rows += (tensors[index] as Tensor).shape[0] as number;
    const joined = { name, datatype, shape: [rows, ...shape.slice(1)], data: joinData(parts, memory) };
    if (requests.every((tensors) => tensors[index]?.nulls === undefined)) return joined;
    return { ...joined, nulls: joinNulls(requests.map((tensors) => tensors[index] as Tensor)) };
  });
}

/** Returns memory after a run from `inputs` to `outputs`; both may share the same memory. */
export function giveRowsBack(inputs: readonly Tensor[], outputs: readonly Tensor[], memory: BufferPool): void {
  for (const { data } of inputs) {
    if (!isNumbers(data) || data.byteLength < WORTH_KEEPING) continue;
    const { buffer } = data;
    if (!outputs.some((output) => isInMemory(output, buffer))) memory.give(buffer as ArrayBuffer);
  }
}

/** Also for strings. */
export function isInMemory({ data, nulls }: Tensor, memory: ArrayBufferLike): boolean {
  if (nulls?.buffer === memory) return true;
  return isNumbers(data) ? data.buffer === memory : data.some((text) => text.buffer === memory);
}

/** Returns undefined if a tensor has another number of rows: the rows cannot be assigned then. */
export function cutRows(outputs: readonly Tensor[], rows: readonly number[]): Tensor[][] | undefined {
  let total = 0;
  for (const n of rows) total += n;
  if (outputs.some(({ shape }) => shape[0] !== total)) return undefined;
  let from = 0;
  return rows.map((n) => {
    const cut = outputs.map(({ name, datatype, shape, data, nulls }) => {
      const rest = shape.slice(1);
      const width = elementCount(rest);
      const [begin, end] = [from * width, (from + n) * width];
      const own = nulls?.subarray(begin, end);
      const tensor = { name, datatype, shape: [n, ...rest], data: cutData(data, begin, end) };
      return own === undefined ? tensor : { ...tensor, nulls: own };
    });
    from += n;
    return cut;
  });
}

function joinData(parts: readonly TensorData[], memory: BufferPool | undefined): TensorData {
  const [first] = parts;
  if (first === undefined || !isNumbers(first)) return (parts as readonly (readonly Buffer[])[]).flat();
  let length = 0;
  for (const part of parts) length += part.length;
  const Kind = first.constructor as new (length: number | ArrayBuffer, from?: number, many?: number) => Float32Array;
  const bytes = length * first.BYTES_PER_ELEMENT;
  const joined =
    memory === undefined || bytes < WORTH_KEEPING ? new Kind(length) : new Kind(memory.take(bytes), 0, length);
  let at = 0;
  for (const part of parts) {
    // All parts have the datatype of the first: it is part of the batch key.
    joined.set(part as Float32Array, at);
    at += part.length;
  }
  return joined;
}

function joinNulls(tensors: readonly Tensor[]): Uint8Array {
  return Uint8Array.from(tensors.flatMap(({ data, nulls }) => Array.from(nulls ?? new Uint8Array(data.length))));
}

function cutData(data: TensorData, from: number, to: number): TensorData {
  return isNumbers(data) ? data.subarray(from, to) : data.slice(from, to);
}

function isNumbers(data: TensorData): data is NumberArray {
  return ArrayBuffer.isView(data);
}
