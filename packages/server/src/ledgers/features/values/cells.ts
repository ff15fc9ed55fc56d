/**
 * The exchange format of values between clients, the query engine and the online store: integers
 * beyond 2^53 as text; `NaN`, `Infinity` and `-Infinity` as text; binary as base64; times as text in UTC with
 * microseconds; JSON unchanged.
 */
import { elementType, type ScalarType, type ValueType } from '@dais/api/data';
import { formatCell, parseMoment } from './moment.ts';

export type Value = null | boolean | number | string | readonly Value[] | { readonly [name: string]: Value };

/** Thrown for a value that does not fit its type; the message contains what is expected. */
export class InvalidValueError extends Error {}

const LEAST = -(2n ** 63n);
const MOST = 2n ** 63n - 1n;
const WORDS = new Set(['NaN', 'Infinity', '-Infinity']);

/** Reads a value. @throws InvalidValueError */
export function readValue(type: ValueType, given: unknown): Value {
  if (given === null || given === undefined) return null;
  const element = elementType(type);
  if (element === undefined) return readScalar(type as ScalarType, given);
  if (!Array.isArray(given)) throw refused(type, given);
  return given.map((one) => (one === null || one === undefined ? null : readScalar(element, one)));
}

function readScalar(type: ScalarType, given: unknown): Value {
  switch (type) {
    case 'boolean':
      if (typeof given === 'boolean') return given;
      break;
    case 'int32':
      if (typeof given === 'number' && given === (given | 0)) return given;
      if (typeof given === 'string' && /^-?\d{1,10}$/.test(given) && Number(given) === (Number(given) | 0))
        return Number(given);
      break;
    case 'int64':
      return readLong(given);
    case 'float32':
    case 'float64':
      return readFloat(type, given);
    case 'string':
      if (typeof given === 'string') return given;
      break;
    case 'binary':
      if (typeof given === 'string' && /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(given)) {
        return given;
      }
      break;
    case 'timestamp': {
      const micro = typeof given === 'string' ? parseMoment(given) : undefined;
      if (micro !== undefined) return formatCell(micro);
      break;
    }
    case 'json':
      return given as Value;
  }
  throw refused(type, given);
}

function readLong(given: unknown): Value {
  if (typeof given === 'number' && Number.isSafeInteger(given)) return given;
  if (typeof given === 'string' && /^-?\d{1,19}$/.test(given)) {
    const long = BigInt(given);
    if (long >= LEAST && long <= MOST) return wholeNumber(long);
  }
  throw refused('int64', given);
}

function readFloat(type: 'float32' | 'float64', given: unknown): Value {
  if (typeof given === 'number') return type === 'float32' ? Math.fround(given) : given;
  if (typeof given === 'string' && WORDS.has(given)) return given;
  if (typeof given === 'string' && /^-?\d/.test(given) && Number.isFinite(Number(given))) return Number(given);
  throw refused(type, given);
}

export function wholeNumber(long: bigint): number | string {
  return long >= BigInt(Number.MIN_SAFE_INTEGER) && long <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(long)
    : String(long);
}

/** JSON has no `NaN` and infinities. */
export function floatValue(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

export function numberOf(value: number | string): number {
  return typeof value === 'number' ? value : Number(value);
}

function refused(type: ValueType, given: unknown): InvalidValueError {
  const what =
    typeof given === 'string'
      ? 'this text'
      : Array.isArray(given)
        ? 'a list'
        : typeof given === 'object'
          ? 'a map'
          : `this ${typeof given}`;
  return new InvalidValueError(
    `${what} is not a valid ${type}${HINTS[type] === undefined ? '' : `, expected ${HINTS[type]}`}`,
  );
}

const HINTS: Partial<Record<ValueType, string>> = {
  boolean: 'true or false',
  int32: 'a whole number within ±2^31',
  int64: 'a whole number within ±2^63, as text beyond 2^53',
  float32: 'a number, or "NaN", "Infinity", "-Infinity"',
  float64: 'a number, or "NaN", "Infinity", "-Infinity"',
  binary: 'base64',
  timestamp: '2026-11-01T06:00:00Z',
};
