/** Typed arrays of tensors by datatype, and the conversion of parsed values with validation. */
import { DaisError } from '@dais/api/errors';
import type { Datatype, TensorData } from './tensors.ts';

type NumberArray = Exclude<TensorData, readonly Buffer[]>;

interface Kind {
  readonly bytes: number;
  readonly make: (length: number) => NumberArray;
  readonly over: (buffer: ArrayBufferLike, at: number, length: number) => NumberArray;
}

function kind(
  Ctor:
    | Uint8ArrayConstructor
    | Int8ArrayConstructor
    | Uint16ArrayConstructor
    | Int16ArrayConstructor
    | Uint32ArrayConstructor
    | Int32ArrayConstructor
    | BigUint64ArrayConstructor
    | BigInt64ArrayConstructor
    | Float32ArrayConstructor
    | Float64ArrayConstructor,
): Kind {
  return {
    bytes: Ctor.BYTES_PER_ELEMENT,
    make: (length) => new Ctor(length),
    over: (buffer, at, length) => new Ctor(buffer as ArrayBuffer, at, length),
  };
}

const kinds: Readonly<Record<Exclude<Datatype, 'BYTES'>, Kind>> = {
  BOOL: kind(Uint8Array),
  UINT8: kind(Uint8Array),
  UINT16: kind(Uint16Array),
  UINT32: kind(Uint32Array),
  UINT64: kind(BigUint64Array),
  INT8: kind(Int8Array),
  INT16: kind(Int16Array),
  INT32: kind(Int32Array),
  INT64: kind(BigInt64Array),
  FP16: kind(Uint16Array),
  BF16: kind(Uint16Array),
  FP32: kind(Float32Array),
  FP64: kind(Float64Array),
};

/** Minimum and maximum of integer types. */
const ranges: Partial<Record<Datatype, readonly [number | bigint, number | bigint]>> = {
  UINT8: [0, 255],
  UINT16: [0, 65_535],
  UINT32: [0, 4_294_967_295],
  UINT64: [0n, 18_446_744_073_709_551_615n],
  INT8: [-128, 127],
  INT16: [-32_768, 32_767],
  INT32: [-2_147_483_648, 2_147_483_647],
  INT64: [-9_223_372_036_854_775_808n, 9_223_372_036_854_775_807n],
};

export function isDatatype(text: unknown): text is Datatype {
  return typeof text === 'string' && (text === 'BYTES' || Object.hasOwn(kinds, text));
}

/** Undefined for strings, which have no fixed size. */
export function elementBytes(datatype: Datatype): number | undefined {
  return datatype === 'BYTES' ? undefined : kinds[datatype].bytes;
}

/** Views little-endian bytes as an array, without a copy if they are aligned. */
export function arrayOver(datatype: Exclude<Datatype, 'BYTES'>, bytes: Buffer): TensorData {
  const { bytes: size, over } = kinds[datatype];
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return over(aligned.buffer, aligned.byteOffset, aligned.byteLength / size);
}

/** Collects elements. Throws `invalid_request` with the actual and the expected type of an element. */
export class ElementWriter {
  readonly #name: string;
  readonly #datatype: Datatype;
  readonly #numbers: NumberArray | undefined;
  readonly #texts: Buffer[] = [];
  readonly #range: readonly [number | bigint, number | bigint] | undefined;
  readonly #length: number;
  #count = 0;

  constructor(name: string, datatype: Datatype, length: number) {
    this.#name = name;
    this.#datatype = datatype;
    this.#length = length;
    this.#numbers = datatype === 'BYTES' ? undefined : kinds[datatype].make(length);
    this.#range = ranges[datatype];
  }

  get count(): number {
    return this.#count;
  }

  get data(): TensorData {
    return this.#numbers ?? this.#texts;
  }

  text(value: string | Buffer): void {
    if (this.#datatype !== 'BYTES') this.#wrong(`the string ${JSON.stringify(String(value).slice(0, 40))}`);
    this.#room();
    this.#texts.push(typeof value === 'string' ? Buffer.from(value) : value);
    this.#count++;
  }

  truth(value: boolean): void {
    if (this.#datatype !== 'BOOL') this.#wrong(String(value));
    this.#room();
    (this.#numbers as Uint8Array)[this.#count++] = value ? 1 : 0;
  }

  number(value: number | bigint): void {
    this.#room();
    const numbers = this.#numbers;
    switch (this.#datatype) {
      case 'FP32':
      case 'FP64': {
        const double = Number(value);
        (numbers as Float64Array)[this.#count] = double;
        if (!Number.isFinite((numbers as Float64Array)[this.#count]) && Number.isFinite(double)) {
          this.#wrong(`${value}, which is out of range`);
        }
        break;
      }
      case 'INT64':
      case 'UINT64': {
        if (typeof value === 'number' && !Number.isInteger(value)) this.#wrong(String(value));
        const whole = BigInt(value);
        this.#within(whole);
        (numbers as BigInt64Array)[this.#count] = whole;
        break;
      }
      case 'BOOL':
        if (value !== 0 && value !== 1) this.#wrong(String(value));
        (numbers as Uint8Array)[this.#count] = value;
        break;
      case 'FP16':
      case 'BF16':
      case 'BYTES':
        return this.#wrong(String(value));
      default:
        if (!Number.isInteger(value)) this.#wrong(String(value));
        this.#within(value);
        (numbers as Int32Array)[this.#count] = value as number;
    }
    this.#count++;
  }

  /** Throws the error for the element `found`. */
  wrong(found: string): never {
    return this.#wrong(found);
  }

  #within(value: number | bigint): void {
    const [least, most] = this.#range as readonly [number, number];
    if (value < least || value > most) this.#wrong(`${value}, which is not from ${least} to ${most}`);
  }

  #room(): void {
    if (this.#count < this.#length) return;
    throw new DaisError('invalid_request', `The input "${this.#name}" has more elements than its shape has.`);
  }

  #wrong(found: string): never {
    const hint =
      this.#datatype === 'FP16' || this.#datatype === 'BF16'
        ? '. JSON cannot represent this datatype; send the tensor in binary'
        : '';
    throw new DaisError(
      'invalid_request',
      `Element ${this.#count} of the input "${this.#name}" is ${found}; expected ${this.#datatype}${hint}.`,
    );
  }
}
