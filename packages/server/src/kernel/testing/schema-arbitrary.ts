/** Values generated from zod schemas: valid ones, and valid ones with one hostile part. */
import { referencedKind, unwrapSchema } from '@dais/api';
import * as fc from 'fast-check';
import { z } from 'zod';

/** Mostly, references lead to a resource of this name. */
export const KNOWN = 'known';

/** Values that a schema accepts; undefined where it may be left out. */
export function valid(schema: z.ZodType): fc.Arbitrary<unknown> {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) {
    return fc.option(valid(schema.unwrap() as z.ZodType), { nil: undefined, freq: 2 });
  }
  if (schema instanceof z.ZodNullable) return fc.option(valid(schema.unwrap() as z.ZodType), { nil: null });
  const inner = unwrapSchema(schema);
  if (referencedKind(schema) !== undefined) {
    return fc.oneof(
      { weight: 9, arbitrary: fc.constant(KNOWN) },
      { weight: 1, arbitrary: fc.string({ minLength: 1 }) },
    );
  }
  if (inner instanceof z.ZodObject) return validObject(inner.shape);
  if (inner instanceof z.ZodDiscriminatedUnion || inner instanceof z.ZodUnion) {
    return fc.oneof(...(inner.options as z.ZodType[]).map(valid));
  }
  if (inner instanceof z.ZodArray) {
    const { minLength = 0, maxLength = 4 } = lengths(inner);
    return fc.array(valid(inner.element as z.ZodType), { minLength, maxLength: Math.min(maxLength, minLength + 3) });
  }
  if (inner instanceof z.ZodRecord) {
    const key = valid(inner.keyType as z.ZodType) as fc.Arbitrary<string>;
    return fc
      .uniqueArray(fc.tuple(key, valid(inner.valueType as z.ZodType)), { maxLength: 4, selector: ([name]) => name })
      .map((entries) => Object.fromEntries(entries.filter(([name]) => name !== '__proto__')));
  }
  if (inner instanceof z.ZodLiteral) return fc.constantFrom(...inner.values);
  if (inner instanceof z.ZodEnum) return fc.constantFrom(...(inner.options as string[]));
  if (inner instanceof z.ZodBoolean) return fc.boolean();
  if (inner instanceof z.ZodNull) return fc.constant(null);
  if (inner instanceof z.ZodUnknown) return fc.oneof(fc.boolean(), fc.nat(), fc.string({ maxLength: 20 }));
  if (inner instanceof z.ZodNumber) return validNumber(inner);
  if (inner instanceof z.ZodString || inner instanceof z.ZodStringFormat) return validText(inner);
  throw new Error(`no values for a schema of type ${inner.def.type}`);
}

function validObject(shape: Record<string, z.ZodType>): fc.Arbitrary<object> {
  const fields = Object.fromEntries(Object.entries(shape).map(([name, field]) => [name, valid(field)]));
  return fc
    .record(fields)
    .map((value) => Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)));
}

function lengths(schema: z.ZodType): { minLength?: number; maxLength?: number } {
  const limits: { minLength?: number; maxLength?: number } = {};
  for (const check of schema.def.checks ?? []) {
    const { minimum, maximum, length } = check._zod.def as { minimum?: number; maximum?: number; length?: number };
    if (minimum !== undefined || length !== undefined) limits.minLength = Number(minimum ?? length);
    if (maximum !== undefined || length !== undefined) limits.maxLength = Number(maximum ?? length);
  }
  return limits;
}

function validNumber(schema: z.ZodNumber): fc.Arbitrary<number> {
  const min = Number.isFinite(schema.minValue) ? schema.minValue! : -1e9;
  const max = Number.isFinite(schema.maxValue) ? schema.maxValue! : 1e12;
  const fits = (value: number) => schema.safeParse(value).success;
  if (!schema.isInt && schema.format === null) return fc.double({ min, max, noNaN: true }).filter(fits);
  return fc.oneof(
    fc.integer({ min: Math.ceil(min), max: Math.min(Math.floor(max), 2 ** 31) }),
    fc.constantFrom(Math.ceil(min), Math.floor(max)),
  );
}

/** Years of four digits. */
const NEAR = new Date('9999-12-31T00:00:00Z');

function validText(schema: z.ZodType): fc.Arbitrary<string> {
  const format = (schema as z.ZodString).format;
  if (format === 'url')
    return fc.constantFrom('https://example.com/hooks/x', 'http://127.0.0.1:9/', 'https://[::1]/ä?b=c');
  // By their patterns, one in very many texts would do.
  if (format === 'datetime')
    return fc.date({ noInvalidDate: true, min: new Date(0), max: NEAR }).map((at) => at.toISOString());
  if (format === 'uuid') return fc.uuid();
  if (format === 'email')
    return fc.stringMatching(/^[a-z0-9]{1,12}(\.[a-z]{1,4}\+tag)?@(example\.com|sub\.example\.org)$/);
  const pattern = schema.def.checks
    ?.map((check) => (check._zod.def as { pattern?: RegExp }).pattern)
    .find((one) => one !== undefined);
  const { minLength = 0, maxLength = 24 } = lengths(schema);
  const text =
    pattern === undefined
      ? fc.string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength, minLength + 24) })
      : fc.stringMatching(pattern);
  // Limits beyond the pattern: lengths in UTF-16 units, and characters that databases reject.
  return text.filter((value) => schema.safeParse(value).success && !value.includes('\0') && value.isWellFormed());
}

/** Hostile values: of another type, too large, too deep, unprintable, or with names of JavaScript built-ins. */
export const hostile: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    '',
    ' ',
    '\0',
    'a\0b',
    '\ud800',
    '\u202e',
    '../../etc/passwd',
    "'; drop table kernel.resource; --",
    '${jndi:x}',
    'x'.repeat(70_000),
    '🚀'.repeat(300),
    0,
    -0,
    -1,
    1.5,
    1e308,
    -1e308,
    5e-324,
    NaN,
    Infinity,
    -Infinity,
    2 ** 53,
    2 ** 31,
    2n ** 70n,
    [],
    {},
    [[]],
    [null],
    { '': '' },
    { constructor: 1, toString: 2, hasOwnProperty: 3 },
    { 'a.b': { 'c[0]': 1 } },
  ),
  fc.constant(undefined).map(() => JSON.parse('{"__proto__":{"polluted":true}}') as unknown),
  fc.integer({ min: 60, max: 3000 }).map(nested),
  fc.anything({ withBigInt: true, maxDepth: 3 }).map(sendable),
);

/** Reports its depth in a failure: printing the whole value would overflow the stack and hide the failure. */
function nested(levels: number): unknown {
  const value = JSON.parse('['.repeat(levels) + ']'.repeat(levels)) as object;
  return Object.defineProperty(value, fc.toStringMethod, { value: () => `<${levels} arrays in each other>` });
}

/** JSON has no undefined. */
function sendable(value: unknown): unknown {
  if (value === undefined) return null;
  if (Array.isArray(value)) return value.map(sendable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, sendable(item)]));
}

/** Odd, but of a type that many fields have. */
const odd: fc.Arbitrary<unknown> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme-composite', minLength: 1, maxLength: 100 }),
  fc.double(),
  fc.maxSafeInteger(),
  fc.array(fc.string(), { maxLength: 5 }),
  fc.dictionary(fc.string(), fc.string(), { maxKeys: 5, noNullPrototype: true }),
);

/** A value with one hostile part, as a replacement or an addition. */
export function withHostileValue(whole: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .tuple(
      whole,
      fc.oneof(hostile, odd),
      fc.nat(),
      fc.oneof(fc.constant(undefined), fc.constantFrom('__proto__', 'constructor', 'x', '')),
    )
    .map(([value, evil, at, newKey]) => {
      const locations = pathsOf(value);
      return replaced(value, locations[at % locations.length]!, evil, newKey);
    });
}

type ValuePath = readonly (string | number)[];

function pathsOf(value: unknown, path: ValuePath = []): ValuePath[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [
    path,
    ...Object.entries(value).flatMap(([key, item]) =>
      pathsOf(item, [...path, Array.isArray(value) ? Number(key) : key]),
    ),
  ];
}

function replaced(value: unknown, [step, ...rest]: ValuePath, evil: unknown, newKey: string | undefined): unknown {
  if (step === undefined) {
    const addTo = newKey !== undefined && typeof value === 'object' && value !== null && !Array.isArray(value);
    return addTo ? Object.fromEntries([...Object.entries(value), [newKey, evil]]) : evil;
  }
  if (Array.isArray(value))
    return value.map((item, index) => (index === step ? replaced(item, rest, evil, newKey) : item));
  return Object.fromEntries(
    Object.entries(value as object).map(([key, item]) => [
      key,
      key === step ? replaced(item, rest, evil, newKey) : item,
    ]),
  );
}
