import { valueTypes, type ScalarType, type ValueType } from '@dais/api/data';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvalidValueError, readValue, type Value } from './cells.ts';
import { packKey, unpackKey } from './entity-key.ts';
import { formatCell, formatMoment, parseMoment } from './moment.ts';
import { packRow, schemaOf, unpackRow } from './packed-row.ts';

const long = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map((one) => String(one));
const float = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom('NaN', 'Infinity', '-Infinity'),
);
const moment = fc.integer({ min: -(2 ** 51), max: 2 ** 52 }).map(formatCell);
const scalars: Record<ScalarType, fc.Arbitrary<unknown>> = {
  boolean: fc.boolean(),
  int32: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  int64: long,
  float32: fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom('NaN', '-Infinity')),
  float64: float,
  string: fc.string({ unit: 'binary' }),
  binary: fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64')),
  timestamp: moment,
  json: fc.jsonValue({ noUnicodeString: false }),
};
const valueOf = (type: ValueType): fc.Arbitrary<unknown> => {
  const element = /^list<(.+)>$/.exec(type)?.[1] as ScalarType | undefined;
  const one = element === undefined ? scalars[type as ScalarType] : fc.array(fc.option(scalars[element]));
  return fc.option(one, { freq: 5 });
};

describe('values', () => {
  test('unpacks packed values unchanged, for every type', () => {
    const column = fc.constantFrom(...valueTypes).chain((type) => fc.tuple(fc.constant(type), valueOf(type)));
    fc.assert(
      fc.property(fc.nat(2 ** 31 - 1), fc.array(column, { maxLength: 20 }), (schema, given) => {
        const columns = given.map(([type], at) => ({ name: `c${at}`, type }));
        const values = given.map(([type, value]) => readValue(type, value));
        const packed = packRow(schema, columns, values);
        expect(schemaOf(packed)).toBe(schema);
        // -0 is 0 in JSON, and in a comparison of keys.
        expect(JSON.stringify(unpackRow(columns, packed))).toBe(JSON.stringify(values));
      }),
    );
  });

  test('equal keys are one entity, different keys are two', () => {
    const keys = fc.tuple(fc.string(), long, fc.boolean(), moment).map((one) => one as Value[]);
    const types = ['string', 'int64', 'boolean', 'timestamp'] as const;
    const read = (values: Value[]) => values.map((value, at) => readValue(types[at]!, value));
    fc.assert(
      fc.property(keys, keys, (one, other) => {
        const packed = packKey(types, read(one));
        expect(unpackKey(types, packed)).toEqual(read(one));
        expect(packed.equals(packKey(types, read(other)))).toBe(
          JSON.stringify(read(one)) === JSON.stringify(read(other)),
        );
      }),
    );
    expect(packKey(['int32'], [7])).toEqual(packKey(['int64'], ['7']));
    expect(packKey(['string', 'string'], ['ab', 'c'])).not.toEqual(packKey(['string', 'string'], ['a', 'bc']));
  });

  test.each<[ValueType, unknown]>([
    ['boolean', 1],
    ['int32', 2 ** 31],
    ['int32', 1.5],
    ['int64', 2 ** 53],
    ['int64', '9223372036854775808'],
    ['float64', 'one'],
    ['string', 5],
    ['binary', '***'],
    ['timestamp', 'yesterday'],
    ['timestamp', '2026-02-30T00:00:00Z'],
    ['list<int64>', 5],
    ['list<int64>', ['a']],
  ])('%s: rejects %j', (type, given) => {
    expect(() => readValue(type, given)).toThrow(InvalidValueError);
  });

  test('parses times in every common format, to the microsecond', () => {
    const at = Date.parse('2026-11-01T06:00:00Z') * 1000;
    for (const text of [
      '2026-11-01T06:00:00Z',
      '2026-11-01 06:00:00',
      '2026-11-01T06:00Z',
      '2026-11-01T07:00:00+01:00',
      '2026-11-01T01:30:00-04:30',
    ]) {
      expect(parseMoment(text)).toBe(at);
    }
    expect(parseMoment('2026-11-01')).toBe(at - 6 * 3_600_000_000);
    expect(parseMoment('2026-11-01T06:00:00.000001Z')).toBe(at + 1);
    expect(parseMoment('2026-11-01T06:00:00.123456789Z')).toBe(at + 123_456);
    expect(formatMoment(at)).toBe('2026-11-01T06:00:00Z');
    expect(formatMoment(at + 1)).toBe('2026-11-01T06:00:00.000001Z');
    expect(formatMoment(at + 120_000)).toBe('2026-11-01T06:00:00.120Z');
    expect(formatMoment(-1)).toBe('1969-12-31T23:59:59.999999Z');
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 51), max: 2 ** 52 }), (micro) => {
        expect(parseMoment(formatMoment(micro))).toBe(micro);
        expect(parseMoment(formatCell(micro))).toBe(micro);
      }),
    );
  });
});
