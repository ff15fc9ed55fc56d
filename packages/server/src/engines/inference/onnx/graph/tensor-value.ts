/** Static knowledge of a tensor: element type, dimensions, and values of shape tensors. */
import {
  ElementType,
  GraphError,
  MOST_VALUES,
  type NumberField,
  type OnnxTensor,
  type SparseTensor,
} from './onnx-graph.ts';
import { bigger, Size, smaller } from './size.ts';

export interface TextBound {
  /** Longest element in bytes. */
  readonly each: bigint;
  /** Total size of all elements, if it is known to be less than elements × `each`. */
  readonly total: bigint | undefined;
}

export interface TensorValue {
  readonly kind: 'tensor';
  readonly type: number;
  readonly dims: readonly Size[];
  /** Maximum number of elements, if it is less than the product of the largest dimensions. */
  readonly most?: bigint;
  /** Integer values in row-major order (also of floating-point tensors with integer values). */
  readonly values?: readonly Size[];
  /** Values with fractions. */
  readonly fractions?: readonly number[];
  readonly text?: TextBound;
}

/** The maps of ZipMap, which are valid only as graph outputs. */
export interface ClosedValue {
  readonly kind: 'closed';
  readonly bytes: bigint;
}

export type Value = TensorValue | ClosedValue;

/** Bits of an element. Strings: the object of the runtime, without its text. */
const BITS = new Map<number, bigint>([
  [ElementType.float, 32n],
  [ElementType.uint8, 8n],
  [ElementType.int8, 8n],
  [ElementType.uint16, 16n],
  [ElementType.int16, 16n],
  [ElementType.int32, 32n],
  [ElementType.int64, 64n],
  [ElementType.string, 256n],
  [ElementType.bool, 8n],
  [ElementType.float16, 16n],
  [ElementType.double, 64n],
  [ElementType.uint32, 32n],
  [ElementType.uint64, 64n],
  [ElementType.bfloat16, 16n],
]);

const RANGES = new Map<number, readonly [low: bigint, high: bigint]>([
  [ElementType.uint8, [0n, 255n]],
  [ElementType.int8, [-128n, 127n]],
  [ElementType.uint16, [0n, 65_535n]],
  [ElementType.int16, [-32_768n, 32_767n]],
  [ElementType.int32, [-(2n ** 31n), 2n ** 31n - 1n]],
  [ElementType.int64, [-(2n ** 63n), 2n ** 63n - 1n]],
  [ElementType.bool, [0n, 1n]],
  [ElementType.uint32, [0n, 2n ** 32n - 1n]],
  [ElementType.uint64, [0n, 2n ** 64n - 1n]],
  // Integers up to this are exact.
  [ElementType.float, [-(2n ** 24n), 2n ** 24n]],
  [ElementType.double, [-(2n ** 53n), 2n ** 53n]],
  [ElementType.float16, [-2048n, 2048n]],
]);

/** A tensor with a larger dimension does not fit into memory. */
const LARGEST_DIMENSION = 2n ** 48n;

export function isInteger(type: number): boolean {
  return RANGES.has(type) && !isFloat(type) && type !== ElementType.bool;
}

export function isFloat(type: number): boolean {
  return [ElementType.float, ElementType.double, ElementType.float16, ElementType.bfloat16].includes(type as 1);
}

export function bitsOf(type: number): bigint {
  const bits = BITS.get(type);
  if (bits === undefined) throw new GraphError(`the element type ${type} is not analyzed`);
  return bits;
}

/** Creates a value, without its values if there are too many or if they are out of the range of the type. */
export function tensor(type: number, dims: readonly Size[], rest: Partial<TensorValue> = {}): TensorValue {
  bitsOf(type);
  if (dims.length > 64) throw new GraphError('the result has more than 64 dimensions');
  for (const size of dims) {
    if (size.high > LARGEST_DIMENSION) throw new GraphError(`a dimension of the result can be ${size.high}`);
    if (size.low < 0n) throw new GraphError(`a dimension of the result can be negative (${size.low})`);
  }
  const { values, fractions, most, text } = rest;
  const range = RANGES.get(type);
  const isKept =
    values !== undefined &&
    values.length <= MOST_VALUES &&
    range !== undefined &&
    values.every((value) => value.low >= range[0] && value.high <= range[1]);
  return {
    kind: 'tensor',
    type,
    dims,
    ...(most !== undefined && { most }),
    ...(isKept && { values }),
    ...(fractions !== undefined && fractions.length <= MOST_VALUES && { fractions }),
    ...(type === ElementType.string && { text: text ?? { each: 0n, total: undefined } }),
  };
}

export function mostElements({ dims, most }: Pick<TensorValue, 'dims' | 'most'>): bigint {
  const product = dims.reduce((elements, { high }) => elements * high, 1n);
  return most === undefined ? product : smaller(product, most);
}

export function bytesOf(value: Value): bigint {
  if (value.kind === 'closed') return value.bytes;
  const elements = mostElements(value);
  const own = (elements * bitsOf(value.type) + 7n) / 8n;
  if (value.text === undefined) return own;
  const { each, total } = value.text;
  return own + (total === undefined ? elements * each : smaller(total, elements * each));
}

/** Text size if each element is used at most `times` times; undefined: any number of times. */
export function repeatText({ text }: TensorValue, times?: bigint): { text?: TextBound } {
  if (text === undefined) return {};
  const { each, total } = text;
  return { text: { each, total: times === undefined || total === undefined ? undefined : total * times } };
}

/** Product of the dimensions, as a size. */
export function elementsOf(dims: readonly Size[]): Size {
  return dims.reduce((product, size) => product.times(size), Size.one);
}

/** Checks the required size of an external data file. */
export type CheckExternal = (location: string, end: bigint) => void;

/** Returns the value of an initializer or constant. @throws GraphError if its dimensions do not match its bytes. */
export function tensorOf(from: OnnxTensor, checkExternal: CheckExternal): TensorValue {
  const name = `the tensor \`${shorten(from.name)}\``;
  let elements = 1n;
  for (const size of from.dims) {
    if (size < 0n || size > LARGEST_DIMENSION) throw new GraphError(`${name} has a dimension of ${size}`);
    elements *= size;
  }
  const bits = BITS.get(from.type);
  if (bits === undefined) throw new GraphError(`${name} has the element type ${from.type}, which is not analyzed`);
  const dims = from.dims.map((size) => Size.of(size));
  if (from.type === ElementType.string) {
    if (BigInt(from.strings.count) !== elements) throw new GraphError(wrongLength(name, elements, from.strings.count));
    const { longest, bytes } = from.strings;
    return tensor(from.type, dims, { text: { each: BigInt(longest), total: BigInt(bytes) } });
  }
  const bytes = (elements * bits) / 8n;
  if (from.external.isUsed) {
    const { location, offset, length } = from.external;
    if (length !== undefined && length !== bytes) throw new GraphError(wrongLength(name, elements, length));
    checkExternal(location, offset + bytes);
    return tensor(from.type, dims);
  }
  if (from.raw !== undefined) {
    if (BigInt(from.raw.length) !== bytes) throw new GraphError(wrongLength(name, elements, from.raw.length));
    return tensor(from.type, dims, elements <= BigInt(MOST_VALUES) ? valuesOfBytes(from.type, from.raw) : {});
  }
  const field = fieldOf(from);
  if (BigInt(field.count) !== elements) throw new GraphError(wrongLength(name, elements, field.count));
  if (field.first.length !== field.count) return tensor(from.type, dims);
  const isBits = from.type === ElementType.float16 || from.type === ElementType.bfloat16;
  return tensor(from.type, dims, isBits ? {} : valuesOfNumbers(field.first));
}

/** The runtime expands it when it loads the model. */
export function tensorOfSparse(from: SparseTensor, checkExternal: CheckExternal): TensorValue {
  if (from.values === undefined || from.indices === undefined) throw new GraphError('a sparse tensor is incomplete');
  const { type } = tensorOf(from.values, checkExternal);
  tensorOf(from.indices, checkExternal);
  if (from.dims.some((size) => size < 0n)) throw new GraphError('a sparse tensor has a negative dimension');
  return tensor(
    type,
    from.dims.map((size) => Size.of(size)),
  );
}

function wrongLength(name: string, elements: bigint, actual: bigint | number): string {
  return `${name} declares ${elements} elements, and its data does not have that length (${actual})`;
}

function fieldOf(from: OnnxTensor): NumberField {
  switch (from.type) {
    case ElementType.float:
      return from.floats;
    case ElementType.double:
      return from.doubles;
    case ElementType.int64:
      return from.ints64;
    case ElementType.uint32:
    case ElementType.uint64:
      return from.uints64;
    default:
      return from.ints32;
  }
}

function valuesOfBytes(type: number, bytes: Buffer): Partial<TensorValue> {
  const count = (width: number) => Array.from({ length: bytes.length / width }, (_, at) => at * width);
  switch (type) {
    case ElementType.int64:
      return { values: count(8).map((at) => Size.of(bytes.readBigInt64LE(at))) };
    case ElementType.uint64:
      return { values: count(8).map((at) => Size.of(bytes.readBigUInt64LE(at))) };
    case ElementType.int32:
      return valuesOfNumbers(count(4).map((at) => bytes.readInt32LE(at)));
    case ElementType.uint32:
      return valuesOfNumbers(count(4).map((at) => bytes.readUInt32LE(at)));
    case ElementType.float:
      return valuesOfNumbers(count(4).map((at) => bytes.readFloatLE(at)));
    case ElementType.double:
      return valuesOfNumbers(count(8).map((at) => bytes.readDoubleLE(at)));
    case ElementType.bool:
    case ElementType.uint8:
      return valuesOfNumbers([...bytes]);
    case ElementType.int8:
      return valuesOfNumbers(count(1).map((at) => bytes.readInt8(at)));
    default:
      return {};
  }
}

export function valuesOfNumbers(numbers: readonly (number | string)[]): Partial<TensorValue> {
  if (numbers.every((value) => typeof value === 'string' || Number.isSafeInteger(value))) {
    return { values: numbers.map((value) => Size.of(BigInt(value))) };
  }
  const fractions = numbers.map(Number);
  return fractions.every(Number.isFinite) ? { fractions } : {};
}

/** Shortens names from the file for messages. */
export function shorten(name: string): string {
  const plain = name.replaceAll(/[^\x20-\x7e]/g, '?').replaceAll('`', "'");
  return plain.length > 80 ? `${plain.slice(0, 77)}...` : plain;
}

/** Broadcasts dimensions like NumPy. The runtime rejects different sizes if neither is 1. */
export function broadcast(...shapes: readonly (readonly Size[])[]): Size[] {
  const rank = Math.max(...shapes.map(({ length }) => length));
  return Array.from({ length: rank }, (_, at) => {
    let result = Size.one;
    for (const shape of shapes) {
      const size = shape[at - rank + shape.length];
      if (size !== undefined) result = broadcastSize(result, size);
    }
    return result;
  });
}

function broadcastSize(a: Size, b: Size): Size {
  if (a.known === 1n) return b;
  if (b.known === 1n || a.equals(b)) return a;
  // A run fails if they differ and neither is 1, so a constant above 1 is the result of every successful run.
  if (a.known !== undefined && b.known !== undefined) return a.known > b.known ? a : b;
  if (a.known !== undefined && a.known > 1n) return a;
  if (b.known !== undefined && b.known > 1n) return b;
  return Size.between(smaller(a.low, b.low), bigger(a.high, b.high));
}
