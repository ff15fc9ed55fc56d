/** Tensor utilities for all implementations: sizes, and validation of inputs. */
import { DaisError, type Issue } from '@dais/api/errors';
import type { Datatype, Tensor, TensorData, TensorSpec } from './contract.ts';

type NumberArray = Exclude<TensorData, readonly Buffer[]>;

interface ArrayType {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): NumberArray;
  new (length: number): NumberArray;
}

const ARRAYS: Readonly<Record<Exclude<Datatype, 'BYTES'>, ArrayType>> = {
  BOOL: Uint8Array,
  UINT8: Uint8Array,
  UINT16: Uint16Array,
  UINT32: Uint32Array,
  UINT64: BigUint64Array,
  INT8: Int8Array,
  INT16: Int16Array,
  INT32: Int32Array,
  INT64: BigInt64Array,
  FP16: Uint16Array,
  BF16: Uint16Array,
  FP32: Float32Array,
  FP64: Float64Array,
};

export function arrayTypeOf(datatype: Exclude<Datatype, 'BYTES'>): ArrayType {
  return ARRAYS[datatype];
}

/** Rows are the first dimension; a scalar is one row. */
export function rowsOf(tensors: readonly Tensor[]): number {
  return tensors[0]?.shape[0] ?? 1;
}

export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Concatenates rows. Both tensors have the same datatype and differ in the first dimension only. */
export function joinRows(name: string, first: Tensor, second: Tensor): Tensor {
  const shape = [(first.shape[0] ?? 0) + (second.shape[0] ?? 0), ...first.shape.slice(1)];
  if (first.datatype === 'BYTES') {
    return { name, datatype: 'BYTES', shape, data: [...(first.data as Buffer[]), ...(second.data as Buffer[])] };
  }
  const data = new (arrayTypeOf(first.datatype))(first.data.length + second.data.length);
  (data as Uint8Array).set(first.data as Uint8Array);
  (data as Uint8Array).set(second.data as Uint8Array, first.data.length);
  return { name, datatype: first.datatype, shape, data };
}

/** Returns a range of rows of a tensor, without copying numbers. */
export function sliceRows(tensor: Tensor, from: number, to: number): Tensor {
  const width = elementsOf(tensor.shape.slice(1));
  const data =
    tensor.datatype === 'BYTES'
      ? (tensor.data as readonly Buffer[]).slice(from * width, to * width)
      : (tensor.data as Uint8Array).subarray(from * width, to * width);
  const nulls = tensor.nulls?.subarray(from * width, to * width);
  return {
    name: tensor.name,
    datatype: tensor.datatype,
    shape: [to - from, ...tensor.shape.slice(1)],
    data,
    ...(nulls !== undefined && { nulls }),
  };
}

export function rejectInput(name: string, message: string, expected?: string): never {
  const issue: Issue = { path: name, message, ...(expected !== undefined && { expected }) };
  throw new DaisError('invalid_request', `Input \`${name}\`: ${message}`, { issues: [issue] });
}

/** Checks that data, shape and datatype of a tensor match. @throws DaisError `invalid_request` */
export function checkTensor(tensor: Tensor): void {
  const { name, datatype, shape, data } = tensor;
  const bad = shape.find((size) => !Number.isSafeInteger(size) || size < 0);
  if (bad !== undefined) rejectInput(name, `its shape [${shape.join(', ')}] has the dimension ${bad}.`);
  const count = elementsOf(shape);
  if (!Number.isSafeInteger(count)) rejectInput(name, `its shape [${shape.join(', ')}] has too many elements.`);
  if (data.length !== count) {
    rejectInput(name, `its shape [${shape.join(', ')}] has ${count} elements, but its data has ${data.length}.`);
  }
  const isArray = datatype === 'BYTES' ? Array.isArray(data) : data instanceof ARRAYS[datatype];
  if (!isArray) rejectInput(name, `its data does not have the datatype ${datatype}.`);
  if (tensor.nulls !== undefined && tensor.nulls.length !== count) {
    rejectInput(name, `its null mask has ${tensor.nulls.length} elements, but the tensor has ${count}.`);
  }
}

/** Checks datatype and shape of each input, and rejects missing and unknown inputs. @throws DaisError `invalid_request` */
export function checkInputs(inputs: readonly Tensor[], specs: readonly TensorSpec[]): void {
  const seen = new Set<string>();
  for (const tensor of inputs) {
    const spec = specs.find(({ name }) => name === tensor.name);
    if (spec === undefined) {
      const names = specs.map(({ name }) => `\`${name}\``).join(', ');
      rejectInput(tensor.name, `the model has no input with this name; its inputs are ${names}.`);
    }
    if (seen.has(tensor.name)) rejectInput(tensor.name, 'it is listed twice.');
    seen.add(tensor.name);
    checkSpec(tensor, spec);
    checkTensor(tensor);
  }
  for (const spec of specs) {
    if (!seen.has(spec.name) && spec.optional !== true) {
      rejectInput(spec.name, 'it is missing.', `${spec.datatype} [${spec.shape.join(', ')}]`);
    }
  }
}

function checkSpec({ name, datatype, shape }: Tensor, spec: TensorSpec): void {
  if (datatype !== spec.datatype)
    rejectInput(name, `it has the datatype ${datatype}, but the model expects ${spec.datatype}.`, spec.datatype);
  const fits = shape.length === spec.shape.length && spec.shape.every((size, at) => size === -1 || size === shape[at]);
  if (!fits) {
    const expected = `[${spec.shape.join(', ')}]`;
    const why = `its shape is [${shape.join(', ')}], but the model expects ${expected} (-1: any size).`;
    rejectInput(name, why, expected);
  }
}
