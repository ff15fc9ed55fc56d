/** Types of features, join keys and request fields. */
export const scalarTypes = [
  'boolean',
  'int32',
  'int64',
  'float32',
  'float64',
  'string',
  'binary',
  'timestamp',
  'json',
] as const;
export type ScalarType = (typeof scalarTypes)[number];

export const valueTypes = [
  ...scalarTypes,
  'list<boolean>',
  'list<int32>',
  'list<int64>',
  'list<float32>',
  'list<float64>',
  'list<string>',
  'list<binary>',
  'list<timestamp>',
] as const;
export type ValueType = (typeof valueTypes)[number];

/** Types of join keys. */
export const keyTypes = ['boolean', 'int32', 'int64', 'string', 'binary', 'timestamp'] as const;
export type KeyType = (typeof keyTypes)[number];

/** `float64` of `list<float64>`; undefined for other types. */
export function elementType(type: ValueType): ScalarType | undefined {
  const inner = /^list<(.+)>$/.exec(type)?.[1];
  return scalarTypes.find((one) => one === inner);
}
