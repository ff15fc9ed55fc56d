/** Parses list filters: a message in JSON, usually percent-encoded, in one query parameter. */
import { enumeration, int32, int64, nested, string, time, type Values } from './message.ts';
import { bodyJson, isMap, parseMessage, type Json } from './parse.ts';
import { invalid } from './rpc-status.ts';

/** Operations with their numbers in the protocol. */
const OPERATIONS = {
  EQUALS: 1,
  NOT_EQUALS: 2,
  GREATER_THAN: 3,
  GREATER_THAN_EQUALS: 5,
  LESS_THAN: 6,
  LESS_THAN_EQUALS: 7,
  IN: 8,
  IS_SUBSTRING: 9,
} as const;
export type FilterOperation = keyof typeof OPERATIONS;

/** Times are in milliseconds. Integers may be seconds, depending on the field. */
export type FilterValue =
  | { readonly text: string }
  | { readonly number: number }
  | { readonly moment: number }
  | { readonly texts: readonly string[] }
  | { readonly numbers: readonly number[] };

export interface Predicate {
  readonly operation: FilterOperation;
  readonly key: string;
  readonly value: FilterValue;
}

const MOST_PREDICATES = 50;
const MOST_VALUES = 1000;

const list = { kind: 'any' } as const;
const predicateMessage = {
  operation: enumeration(OPERATIONS),
  key: string,
  int_value: int32,
  long_value: int64,
  string_value: string,
  timestamp_value: time,
  int_values: nested({ values: list }),
  long_values: nested({ values: list }),
  string_values: nested({ values: list }),
};

/** @throws RpcError `INVALID_ARGUMENT` */
export function parseFilter(text: string): readonly Predicate[] {
  if (text === '') return [];
  const { predicates, ...rest } = bodyJson(Buffer.from(decoded(text)));
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw bad(text, `${unknown}: unknown field`);
  if (predicates === undefined || predicates === null) return [];
  if (!Array.isArray(predicates)) throw bad(text, 'predicates: a list is expected');
  if (predicates.length > MOST_PREDICATES) throw bad(text, `more than ${MOST_PREDICATES} predicates`);
  return predicates.map((one: unknown) => readPredicate(text, one));
}

/** Clients percent-encode it in addition to the encoding of the query string. */
function decoded(text: string): string {
  if (text.trimStart().startsWith('{')) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw bad(text, 'invalid percent-encoding');
  }
}

function bad(text: string, why: string): Error {
  return invalid(`Failed to parse valid filter from ${JSON.stringify(text.slice(0, 200))}: ${why}`);
}

function readPredicate(text: string, given: unknown): Predicate {
  if (!isMap(given)) throw bad(text, 'a predicate must be an object');
  const lists = listsOf(given);
  const message = parseMessage(predicateMessage, given);
  const { operation, key } = message;
  if (operation === undefined) throw bad(text, `operation: one of ${Object.keys(OPERATIONS).join(', ')} is expected`);
  if (key === undefined || key === '') throw bad(text, 'key: the name of a field is expected');
  const values = [...valuesOf(message), ...lists.map((one) => readList(text, one))];
  const [value] = values;
  if (value === undefined || values.length > 1) throw bad(text, `${key}: exactly one value is expected`);
  const isList = 'texts' in value || 'numbers' in value;
  if (operation === 'IN' && !isList) throw bad(text, `${key}: IN requires a list of values`);
  if (operation !== 'IN' && isList) throw bad(text, `${key}: ${operation} requires a single value`);
  if (operation === 'IS_SUBSTRING' && !('text' in value)) throw bad(text, `${key}: IS_SUBSTRING requires a string`);
  return { operation, key, value };
}

function valuesOf(message: Values<typeof predicateMessage>): FilterValue[] {
  const { int_value: int, long_value: long, string_value: word, timestamp_value: moment } = message;
  return [
    ...(int === undefined ? [] : [{ number: int }]),
    ...(long === undefined ? [] : [{ number: long }]),
    ...(word === undefined ? [] : [{ text: word }]),
    ...(moment === undefined ? [] : [{ moment }]),
  ];
}

interface GivenList {
  readonly of: 'string' | 'number';
  readonly values: unknown;
}

function listsOf(given: Json): readonly GivenList[] {
  return (['string', 'int', 'long'] as const).flatMap((of) => {
    const one = given[`${of}_values`] ?? given[`${of}Values`];
    return isMap(one) ? [{ of: of === 'string' ? of : 'number', values: one['values'] } as const] : [];
  });
}

function readList(text: string, { of, values = [] }: GivenList): FilterValue {
  if (!Array.isArray(values)) throw bad(text, 'values: a list is expected');
  if (values.length > MOST_VALUES) throw bad(text, `values: the limit is ${MOST_VALUES}`);
  if (of === 'string') {
    if (values.every((one) => typeof one === 'string')) return { texts: values };
    throw bad(text, 'values: strings are expected');
  }
  const numbers = values.map((one: unknown) => (typeof one === 'string' && one !== '' ? Number(one) : one));
  if (numbers.every((one) => Number.isSafeInteger(one))) return { numbers: numbers as number[] };
  throw bad(text, 'values: integers are expected');
}
