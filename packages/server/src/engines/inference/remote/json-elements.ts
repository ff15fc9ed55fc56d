/** Elements of tensors in JSON, as servers of the Open Inference Protocol write and read them. */
import { isUtf8 } from 'node:buffer';
import { bfloatToNumber, halfToNumber, numberToBfloat, numberToHalf } from '#lib/formats/half-float.ts';
import { float32Text } from '#lib/formats/float-text.ts';
import type { JsonValue } from '#lib/formats/json-reader.ts';
import type { Datatype, Tensor, TensorData } from '../contract.ts';
import { arrayTypeOf, rejectInput } from '../tensors.ts';

/** @throws DaisError `invalid_request` for a value that JSON cannot represent. */
export function elementsText({ name, datatype, data }: Tensor): string {
  if (Array.isArray(data)) {
    return `[${(data as readonly Buffer[]).map((value, at) => stringText(name, value, at)).join()}]`;
  }
  const numbers = data as Exclude<TensorData, readonly Buffer[]>;
  const text = textOf(datatype);
  if (text === undefined) return `[${numbers.join()}]`;
  return `[${Array.from(numbers as Iterable<number>, (value, at) => text(value) ?? notFinite(name, at)).join()}]`;
}

/** Undefined: integers, whose own text is JSON. The function returns undefined for a number without a representation. */
function textOf(datatype: Datatype): ((value: number) => string | undefined) | undefined {
  const finite = (value: number, text: (value: number) => string) => (Number.isFinite(value) ? text(value) : undefined);
  switch (datatype) {
    case 'BOOL':
      return (value) => (value === 0 ? 'false' : 'true');
    case 'FP32':
      return (value) => finite(value, float32Text);
    case 'FP64':
      return (value) => finite(value, (one) => (Object.is(one, -0) ? '-0' : String(one)));
    case 'FP16':
      return (bits) => finite(halfToNumber(bits), float32Text);
    case 'BF16':
      return (bits) => finite(bfloatToNumber(bits), float32Text);
    default:
      return undefined;
  }
}

function stringText(name: string, value: Buffer, at: number): string {
  if (!isUtf8(value)) rejectInput(name, `element ${at} is not UTF-8, and the model server only accepts JSON.`);
  return JSON.stringify(value.toString('utf8'));
}

function notFinite(name: string, at: number): never {
  rejectInput(name, `element ${at} is not a finite number, and the model server only accepts JSON.`);
}

/** Minimum and maximum of integer types of up to 32 bits. */
const RANGES: Partial<Record<Datatype, readonly [number, number]>> = {
  UINT8: [0, 255],
  UINT16: [0, 65_535],
  UINT32: [0, 4_294_967_295],
  INT8: [-128, 127],
  INT16: [-32_768, 32_767],
  INT32: [-2_147_483_648, 2_147_483_647],
};
const LONG_RANGES: Partial<Record<Datatype, readonly [bigint, bigint]>> = {
  INT64: [-(2n ** 63n), 2n ** 63n - 1n],
  UINT64: [0n, 2n ** 64n - 1n],
};

/**
 * Reads `count` elements, flat or nested. Returns the problem of the first wrong one as text. `null` is NaN in floats: servers
 * whose JSON has no NaN write it so.
 */
export function readElements(datatype: Datatype, value: JsonValue, count: number): TensorData | string {
  const strings: Buffer[] = [];
  const numbers = datatype === 'BYTES' ? undefined : new (arrayTypeOf(datatype))(count);
  const read = datatype === 'BYTES' ? undefined : readerOf(datatype);
  let at = 0;
  const visit = (item: JsonValue): string | undefined => {
    if (Array.isArray(item)) {
      for (const one of item) {
        const problem = visit(one);
        if (problem !== undefined) return problem;
      }
      return undefined;
    }
    if (at === count) return `has more than ${count} elements`;
    const element = read === undefined ? textElement(item) : read(item);
    if (element === undefined) return `has ${JSON.stringify(printable(item))} as element ${at}`;
    if (Buffer.isBuffer(element)) strings.push(element);
    else if (numbers !== undefined) (numbers as unknown as (number | bigint)[])[at] = element;
    at += 1;
    return undefined;
  };
  if (!Array.isArray(value)) return 'has no array as data';
  const problem = visit(value);
  if (problem !== undefined) return problem;
  return at === count ? (numbers ?? strings) : `has ${at} elements instead of ${count}`;
}

function textElement(item: JsonValue): Buffer | undefined {
  return typeof item === 'string' ? Buffer.from(item, 'utf8') : undefined;
}

function readerOf(datatype: Exclude<Datatype, 'BYTES'>): (item: JsonValue) => number | bigint | undefined {
  switch (datatype) {
    case 'BOOL':
      return (item) => (item === true || item === 1 ? 1 : item === false || item === 0 ? 0 : undefined);
    case 'FP32':
    case 'FP64':
      return floatOf;
    case 'FP16':
    case 'BF16': {
      const bits = datatype === 'FP16' ? numberToHalf : numberToBfloat;
      return (item) => {
        const value = floatOf(item);
        return value === undefined ? undefined : bits(value);
      };
    }
    case 'INT64':
    case 'UINT64': {
      const [least, most] = LONG_RANGES[datatype] ?? [0n, 0n];
      return (item) => {
        const whole = typeof item === 'bigint' ? item : Number.isInteger(item) ? BigInt(item as number) : undefined;
        return whole !== undefined && whole >= least && whole <= most ? whole : undefined;
      };
    }
    default: {
      const [least, most] = RANGES[datatype] ?? [0, 0];
      return (item) =>
        Number.isInteger(item) && Number(item) >= least && Number(item) <= most ? Number(item) : undefined;
    }
  }
}

function floatOf(item: JsonValue): number | undefined {
  if (item === null) return NaN;
  return typeof item === 'number' || typeof item === 'bigint' ? Number(item) : undefined;
}

/** Short, for an error. */
function printable(item: JsonValue): JsonValue {
  if (typeof item === 'string') return item.slice(0, 40);
  return typeof item === 'bigint' ? String(item) : typeof item === 'object' && item !== null ? 'an object' : item;
}
