/**
 * JSON to messages by the rules of protocol buffers' JSON: a field has its own name or the one in camel case, null is as
 * good as absent, whole numbers may come as text, enums by name or number. An unknown field is refused.
 */
import { nearest } from '@dais/api';
import type { Field, Message, Values } from './message.ts';
import { invalid } from './rpc-status.ts';
import { parseTime } from './time.ts';

export type Json = Readonly<Record<string, unknown>>;

/** Nesting beyond any message; keeps recursive readers of the parsed value safe. */
const MAX_DEPTH = 100;
/** Faults that are told at once. */
const MOST_FAULTS = 10;

/** @throws RpcError `INVALID_ARGUMENT` with everything that is wrong, each with its place. */
export function parseMessage<M extends Message>(message: M, sent: Json): Values<M> {
  const faults: string[] = [];
  const values = readMessage(message, sent, '', faults);
  if (faults.length > 0) throw invalid(`Invalid request: ${faults.slice(0, MOST_FAULTS).join('; ')}`);
  return values as Values<M>;
}

/** The fields of a query string; names that the message does not have mean nothing, as in gateways of gRPC. */
export function queryJson(message: Message, query: string): Json {
  const given = new URLSearchParams(query);
  const json: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(message)) {
    const values = [...new Set([name, camel(name)])].flatMap((one) => given.getAll(one));
    if (values.length > 1) throw invalid(`Invalid request: ${name}: given ${values.length} times`);
    const [value] = values;
    if (value === undefined) continue;
    json[name] = field.kind === 'bool' ? (TRUTHS.get(value) ?? value) : value;
  }
  return json;
}

const TRUTHS: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((word) => [word, true] as const),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False', ''].map((word) => [word, false] as const),
]);

/** @throws RpcError `INVALID_ARGUMENT` for what is no JSON object. */
export function bodyJson(bytes: Buffer | undefined): Json {
  if (bytes === undefined || bytes.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw invalid(`Invalid request: the body is no JSON: ${(error as Error).message.slice(0, 200)}`);
  }
  if (value === null) return {};
  if (!isMap(value)) throw invalid('Invalid request: the body is not a JSON object');
  const unfit = unfitness(value, MAX_DEPTH);
  if (unfit !== undefined) throw invalid(`Invalid request: the JSON ${unfit}`);
  return value;
}

export function isMap(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What the database would not take, wherever it stands. */
function unfitness(value: unknown, left: number): string | undefined {
  if (typeof value === 'string') {
    return value.isWellFormed() && !value.includes('\0') ? undefined : 'holds text with NUL or half a character';
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (left === 0) return `is nested deeper than ${MAX_DEPTH} levels`;
  for (const [key, one] of Object.entries(value)) {
    const unfit = unfitness(key, left) ?? unfitness(one, left - 1);
    if (unfit !== undefined) return unfit;
  }
  return undefined;
}

function readMessage(message: Message, json: Json, path: string, faults: string[]): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [key, given] of Object.entries(json)) {
    const name = nameOf(message, key);
    const place = path === '' ? key : `${path}.${key}`;
    if (name === undefined) {
      const near = nearest(key, Object.keys(message));
      faults.push(`${shown(place)}: unknown field${near === undefined ? '' : `, did you mean ${near}?`}`);
      continue;
    }
    if (given === null || given === undefined) continue;
    if (Object.hasOwn(values, name)) {
      faults.push(`${shown(place)}: given twice, as ${name} and as ${camel(name)}`);
      continue;
    }
    const value = readField(message[name] as Field, given, place, faults);
    if (value !== undefined) values[name] = value;
  }
  return values;
}

function nameOf(message: Message, key: string): string | undefined {
  if (Object.hasOwn(message, key)) return key;
  return Object.keys(message).find((name) => camel(name) === key);
}

/** `run_id` is `runId`, as protocol buffers name it in JSON. */
function camel(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function shown(text: string): string {
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}

function readField(field: Field, given: unknown, place: string, faults: string[]): unknown {
  const refuse = (expected: string): undefined => {
    faults.push(`${shown(place)}: ${expected} is expected, not ${shown(JSON.stringify(given) ?? String(given))}`);
  };
  switch (field.kind) {
    case 'string':
      // A query string can hold what JSON bodies were looked through for.
      if (typeof given !== 'string') return refuse('text');
      return unfitness(given, 0) === undefined ? given : refuse('text without NUL and half characters');
    case 'bool':
      return typeof given === 'boolean' ? given : refuse('true or false');
    case 'int32':
    case 'int64':
      return readWhole(given, field.kind) ?? refuse(field.kind === 'int32' ? 'a whole number of 32 bits' : WHOLE);
    case 'time':
      return (
        (typeof given === 'string' ? parseTime(given) : undefined) ?? refuse('a time such as 2026-01-31T08:00:00Z')
      );
    case 'struct':
      return isMap(given) ? given : refuse('an object');
    case 'texts':
      return isMap(given) && Object.values(given).every((one) => typeof one === 'string')
        ? given
        : refuse('an object of texts');
    case 'enum':
      return readEnum(field.numbers ?? {}, given) ?? refuse(`one of ${Object.keys(field.numbers ?? {}).join(', ')}`);
    case 'message':
      return isMap(given) ? readMessage(field.message ?? {}, given, place, faults) : refuse('an object');
    default:
      return undefined;
  }
}

const WHOLE = 'a whole number up to 9007199254740991';
const INT32 = 2 ** 31;

function readWhole(given: unknown, kind: 'int32' | 'int64'): number | undefined {
  const number = typeof given === 'string' && /^-?\d{1,16}$/.test(given) ? Number(given) : given;
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) return undefined;
  return kind === 'int64' || (number >= -INT32 && number < INT32) ? number : undefined;
}

function readEnum(numbers: Readonly<Record<string, number>>, given: unknown): string | undefined {
  return Object.keys(numbers).find((name) => name === given || numbers[name] === given);
}
