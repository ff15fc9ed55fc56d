import type { KeyType, ValueType } from '@dais/api/data';

/** `feast.types.ValueType.Enum` by number. A set becomes a list, because Feast sets have no order and accept lists. */
const types: ReadonlyMap<number, ValueType> = new Map([
  [1, 'binary'],
  [2, 'string'],
  [3, 'int32'],
  [4, 'int64'],
  [5, 'float64'],
  [6, 'float32'],
  [7, 'boolean'],
  [8, 'timestamp'],
  [11, 'list<binary>'],
  [12, 'list<string>'],
  [13, 'list<int32>'],
  [14, 'list<int64>'],
  [15, 'list<float64>'],
  [16, 'list<float32>'],
  [17, 'list<boolean>'],
  [18, 'list<timestamp>'],
  [20, 'json'],
  [21, 'json'],
  [22, 'list<binary>'],
  [23, 'list<string>'],
  [24, 'list<int32>'],
  [25, 'list<int64>'],
  [26, 'list<float64>'],
  [27, 'list<float32>'],
  [28, 'list<boolean>'],
  [29, 'list<timestamp>'],
  [32, 'json'],
  [34, 'json'],
  [35, 'json'],
  [36, 'string'],
  [37, 'string'],
  [38, 'list<string>'],
  [39, 'list<string>'],
  [40, 'list<string>'],
  [41, 'list<string>'],
]);

const KEYS: ReadonlyMap<number, KeyType> = new Map([
  [1, 'binary'],
  [2, 'string'],
  [3, 'int32'],
  [4, 'int64'],
  [7, 'boolean'],
  [8, 'timestamp'],
  [36, 'string'],
  [37, 'string'],
]);

/** Undefined for unsupported types: nulls, decimals, values of any type, times with a zone. */
export function valueType(number: number): ValueType | undefined {
  return types.get(number);
}

/** 0: not set by the client. */
export function keyType(number: number): KeyType | undefined {
  return KEYS.get(number);
}
