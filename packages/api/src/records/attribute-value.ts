/**
 * Values of span attributes: in the JSON of OpenTelemetry (`{"stringValue": "x"}`), and as plain JSON. Values that
 * plain JSON does not distinguish are a map with one key, `@`: whole numbers of floating type, integers beyond 2^53,
 * bytes, NaN and the infinities, and maps that have a key `@` themselves.
 */

/** Nesting limit of lists and maps; deeper values are omitted. */
const MAX_DEPTH = 16;

type Plain = Readonly<Record<string, unknown>>;

/** One attribute in OpenTelemetry's JSON. */
export interface KeyValue {
  readonly key: string;
  readonly value: unknown;
}

/** Text that can be stored. */
function storable(text: string): string {
  return (text.isWellFormed() ? text : text.toWellFormed()).replaceAll('\0', '\uFFFD');
}

/** A repeated key has its last value. */
export function plainAttributes(pairs: unknown, depth = 0): Record<string, unknown> {
  const map: Record<string, unknown> = {};
  if (!Array.isArray(pairs)) return map;
  for (const pair of pairs as readonly unknown[]) {
    const { key, value } = (pair ?? {}) as { readonly key?: unknown; readonly value?: unknown };
    // A key that programs cannot store in a map.
    if (typeof key === 'string' && key !== '__proto__') map[storable(key)] = plainValue(value, depth);
  }
  return map;
}

function plainValue(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return null;
  const given = value as Plain;
  if (typeof given['stringValue'] === 'string') return storable(given['stringValue']);
  if (typeof given['boolValue'] === 'boolean') return given['boolValue'];
  const int = given['intValue'];
  if (typeof int === 'number' || typeof int === 'string') return plainInt(String(int));
  if (given['doubleValue'] !== undefined) return plainDouble(given['doubleValue']);
  if (typeof given['bytesValue'] === 'string') return { '@': ['bytes', storable(given['bytesValue'])] };
  const list = given['arrayValue'] as Plain | undefined;
  const map = given['kvlistValue'] as Plain | undefined;
  if ((list !== undefined || map !== undefined) && depth >= MAX_DEPTH) return '…';
  if (list !== undefined) {
    const values = list?.['values'];
    return Array.isArray(values) ? values.map((one) => plainValue(one, depth + 1)) : [];
  }
  if (map !== undefined) return plainMap(plainAttributes(map?.['values'], depth + 1));
  return null;
}

export function plainMap(map: Plain): Plain {
  return Object.hasOwn(map, '@') ? { '@': ['map', map] } : map;
}

export function plainInt(text: string): unknown {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : { '@': ['int', text.slice(0, 20)] };
}

export function plainDouble(value: unknown): unknown {
  const number = Number(value);
  if (!Number.isFinite(number)) return { '@': ['double', String(number)] };
  if (!Number.isInteger(number)) return number;
  return { '@': ['double', Object.is(number, -0) ? '-0' : number] };
}

/** Converts plain JSON to OpenTelemetry's. */
export function keyValues(attributes: Plain): KeyValue[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(plain: unknown): unknown {
  if (typeof plain === 'string') return { stringValue: plain };
  if (typeof plain === 'boolean') return { boolValue: plain };
  if (typeof plain === 'number') return Number.isInteger(plain) ? { intValue: String(plain) } : { doubleValue: plain };
  if (typeof plain !== 'object' || plain === null) return {};
  if (Array.isArray(plain)) return { arrayValue: { values: plain.map(anyValue) } };
  const map = plain as Plain;
  const [type, value] = specialOf(map) ?? [];
  switch (type) {
    case 'int':
      return { intValue: String(value) };
    case 'double':
      return { doubleValue: value === '-0' ? -0 : value };
    case 'bytes':
      return { bytesValue: value };
    case 'map':
      return { kvlistValue: { values: keyValues(value as Plain) } };
    default:
      return { kvlistValue: { values: keyValues(map) } };
  }
}

/** Plain JSON for people and programs without the type marks. */
export function simpleValue(plain: unknown): unknown {
  if (typeof plain !== 'object' || plain === null) return plain;
  if (Array.isArray(plain)) return plain.map(simpleValue);
  const [type, value] = specialOf(plain as Plain) ?? [];
  if (type === undefined) return simpleMap(plain as Plain);
  if (type === 'map') return simpleMap(value as Plain);
  return type === 'double' && value === '-0' ? 0 : value;
}

function simpleMap(map: Plain): Plain {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, simpleValue(value)]));
}

const TYPES: readonly unknown[] = ['int', 'double', 'bytes', 'map'];

function specialOf(map: Plain): readonly [type: unknown, value: unknown] | undefined {
  const special = map['@'];
  if (!Array.isArray(special) || special.length !== 2 || !TYPES.includes(special[0])) return undefined;
  if (special[0] === 'map' && (typeof special[1] !== 'object' || special[1] === null)) return undefined;
  return [special[0], special[1] as unknown];
}
