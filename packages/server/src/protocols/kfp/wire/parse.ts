/**
 * Parses JSON by the rules of protocol buffers: field names in snake_case or camelCase, null as absent, integers also as
 * strings, enums by name or number. Unknown fields are rejected.
 */
import { nearest } from '@dais/api';
import type { Field, Message, Values } from './message.ts';
import { invalid } from './rpc-status.ts';
import { parseTime } from './time.ts';

export type Json = Readonly<Record<string, unknown>>;

/** Nesting limit, which protects recursive functions on the parsed value. */
const MAX_DEPTH = 100;
/** Limit of reported errors. */
const MOST_PROBLEMS = 10;

/** @throws RpcError `INVALID_ARGUMENT` with all errors and their paths. */
export function parseMessage<M extends Message>(message: M, sent: Json): Values<M> {
  const problems: string[] = [];
  const values = readMessage(message, sent, '', problems);
  if (problems.length > 0) throw invalid(`Invalid request: ${problems.slice(0, MOST_PROBLEMS).join('; ')}`);
  return values as Values<M>;
}

/** Returns the fields of a query string. Unknown names are ignored, as in gRPC gateways. */
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

/** @throws RpcError `INVALID_ARGUMENT` for a body that is not a JSON object. */
export function bodyJson(bytes: Buffer | undefined): Json {
  if (bytes === undefined || bytes.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw invalid(`Invalid request: the body is not valid JSON: ${(error as Error).message.slice(0, 200)}`);
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

/** Returns why the database could not store the value. */
function unfitness(value: unknown, left: number): string | undefined {
  if (typeof value === 'string') {
    return value.isWellFormed() && !value.includes('\0')
      ? undefined
      : 'contains a string with NUL or an unpaired surrogate';
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (left === 0) return `is nested deeper than ${MAX_DEPTH} levels`;
  for (const [key, one] of Object.entries(value)) {
    const unfit = unfitness(key, left) ?? unfitness(one, left - 1);
    if (unfit !== undefined) return unfit;
  }
  return undefined;
}

function readMessage(message: Message, json: Json, path: string, problems: string[]): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [key, given] of Object.entries(json)) {
    const name = nameOf(message, key);
    const fieldPath = path === '' ? key : `${path}.${key}`;
    if (name === undefined) {
      const near = nearest(key, Object.keys(message));
      problems.push(`${shown(fieldPath)}: unknown field${near === undefined ? '' : `, did you mean ${near}?`}`);
      continue;
    }
    if (given === null || given === undefined) continue;
    if (Object.hasOwn(values, name)) {
      problems.push(`${shown(fieldPath)}: given twice, as ${name} and as ${camel(name)}`);
      continue;
    }
    const value = readField(message[name] as Field, given, fieldPath, problems);
    if (value !== undefined) values[name] = value;
  }
  return values;
}

function nameOf(message: Message, key: string): string | undefined {
  if (Object.hasOwn(message, key)) return key;
  return Object.keys(message).find((name) => camel(name) === key);
}

/** Converts `run_id` to `runId`, the JSON name in protocol buffers. */
function camel(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function shown(text: string): string {
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}

function readField(field: Field, given: unknown, path: string, problems: string[]): unknown {
  const refuse = (expected: string): undefined => {
    problems.push(`${shown(path)}: ${expected} is expected, not ${shown(JSON.stringify(given) ?? String(given))}`);
  };
  switch (field.kind) {
    case 'string':
      // JSON bodies were checked before; query strings were not.
      if (typeof given !== 'string') return refuse('a string');
      return unfitness(given, 0) === undefined ? given : refuse('a string without NUL and unpaired surrogates');
    case 'bool':
      return typeof given === 'boolean' ? given : refuse('a boolean');
    case 'int32':
    case 'int64':
      return readWhole(given, field.kind) ?? refuse(field.kind === 'int32' ? 'a 32-bit integer' : WHOLE);
    case 'time':
      return (
        (typeof given === 'string' ? parseTime(given) : undefined) ?? refuse('a time such as 2026-01-31T08:00:00Z')
      );
    case 'struct':
      return isMap(given) ? given : refuse('an object');
    case 'texts':
      return isMap(given) && Object.values(given).every((one) => typeof one === 'string')
        ? given
        : refuse('an object with string values');
    case 'enum':
      return readEnum(field.numbers ?? {}, given) ?? refuse(`one of ${Object.keys(field.numbers ?? {}).join(', ')}`);
    case 'message':
      return isMap(given) ? readMessage(field.message ?? {}, given, path, problems) : refuse('an object');
    default:
      return undefined;
  }
}

const WHOLE = 'an integer up to 9007199254740991';
const INT32 = 2 ** 31;

function readWhole(given: unknown, kind: 'int32' | 'int64'): number | undefined {
  const number = typeof given === 'string' && /^-?\d{1,16}$/.test(given) ? Number(given) : given;
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) return undefined;
  return kind === 'int64' || (number >= -INT32 && number < INT32) ? number : undefined;
}

function readEnum(numbers: Readonly<Record<string, number>>, given: unknown): string | undefined {
  return Object.keys(numbers).find((name) => name === given || numbers[name] === given);
}
