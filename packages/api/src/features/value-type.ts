/** What a feature, a join key or a field of a request may be. */
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

/** What an entity may be known by. */
export const keyTypes = ['boolean', 'int32', 'int64', 'string', 'binary', 'timestamp'] as const;
export type KeyType = (typeof keyTypes)[number];

/** `float64` of `list<float64>`; undefined for what is no list. */
export function elementType(type: ValueType): ScalarType | undefined {
  const inner = /^list<(.+)>$/.exec(type)?.[1];
  return scalarTypes.find((one) => one === inner);
}
