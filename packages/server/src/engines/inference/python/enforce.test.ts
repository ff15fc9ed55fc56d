import { describe, expect, test } from 'vitest';
import type { Tensor } from '../contract.ts';
import { enforce } from './enforce.ts';
import { readSignature } from './signature.ts';

const signatureOf = (...columns: readonly object[]) =>
  readSignature({ signature: { inputs: JSON.stringify(columns) } });
const given = (columns: readonly object[], ...tensors: readonly Tensor[]) => {
  const { inputs, inputSpecs } = signatureOf(...columns);
  return enforce(tensors, inputs, inputSpecs);
};
const of = (type: string) => [{ type, name: 'c', required: true }];
const x = (datatype: Tensor['datatype'], data: Tensor['data'], nulls?: Uint8Array): Tensor => ({
  name: 'c',
  datatype,
  shape: [data.length],
  data,
  ...(nulls !== undefined && { nulls }),
});

describe('the enforcement of MLflow', () => {
  test('widens numbers without loss', () => {
    expect(given(of('long'), x('INT32', Int32Array.of(-5)))).toEqual([x('INT64', BigInt64Array.of(-5n))]);
    expect(given(of('integer'), x('UINT16', Uint16Array.of(9)))).toEqual([x('INT32', Int32Array.of(9))]);
    expect(given(of('double'), x('FP32', Float32Array.of(1.5)))).toEqual([x('FP64', Float64Array.of(1.5))]);
    expect(given(of('double'), x('UINT32', Uint32Array.of(7)))).toEqual([x('FP64', Float64Array.of(7))]);
    expect(given(of('float'), x('FP16', Uint16Array.of(0xc000)))).toEqual([x('FP32', Float32Array.of(-2))]);
    expect(given(of('double'), x('INT64', BigInt64Array.of(0n, 1n)))).toEqual([x('FP64', Float64Array.of(0, 1))]);
    expect(given(of('double'), x('FP64', Float64Array.of(1, 2), Uint8Array.of(0, 1)))).toEqual([
      x('FP64', Float64Array.of(1, Number.NaN)),
    ]);
  });

  test('rejects lossy conversions with the column name', () => {
    const bad: [string, Tensor, RegExp][] = [
      ['integer', x('INT64', BigInt64Array.of(1n)), /`c`.*INT64.*integer/],
      ['integer', x('UINT32', Uint32Array.of(1)), /UINT32.*integer/],
      ['float', x('FP64', Float64Array.of(1)), /FP64.*float/],
      ['float', x('INT8', Int8Array.of(1)), /INT8.*float/],
      ['double', x('INT64', BigInt64Array.of(2n)), /INT64.*double/],
      ['double', x('BYTES', [Buffer.from('1')]), /BYTES.*double/],
      ['string', x('INT64', BigInt64Array.of(2n)), /INT64.*string/],
      ['boolean', x('UINT8', Uint8Array.of(1)), /UINT8.*boolean/],
      ['long', x('FP64', Float64Array.of(1, Number.NaN)), /missing values.*double/],
      ['long', x('INT64', BigInt64Array.of(1n, 0n), Uint8Array.of(0, 1)), /row 1 has no value.*double/],
      ['datetime', x('BYTES', [Buffer.from('2026-02-30')]), /row 0.*ISO 8601/],
      ['datetime', x('BYTES', [Buffer.from('soon')]), /row 0.*ISO 8601/],
      ['string', x('BYTES', [Buffer.of(0xff)]), /row 0 is not UTF-8/],
      ['double', { ...x('FP64', Float64Array.of(1, 2)), shape: [1, 2] }, /one value per row/],
    ];
    for (const [type, tensor, expected] of bad) expect(() => given(of(type), tensor)).toThrow(expected);
  });

  test('orders columns, drops others, and names all missing ones', () => {
    const columns = ['a', 'b', 'c'].map((name) => ({ type: 'long', name, required: name !== 'b' }));
    const one = (name: string) => ({ ...x('INT64', BigInt64Array.of(1n)), name });
    expect(given(columns, one('z'), one('c'), one('a')).map(({ name }) => name)).toEqual(['a', 'c']);
    expect(() => given(columns, one('b'))).toThrow(/missing inputs: `a`, `c`/);
    expect(() => given(columns, one('a'), one('a'), one('c'))).toThrow(/`a`.*twice/);
    const two = { ...x('INT64', BigInt64Array.of(1n, 2n)), name: 'c' };
    expect(() => given(columns, one('a'), two)).toThrow(/`c`.*2 rows.*`a` has 1/);
  });

  test('matches columns without names by position', () => {
    const columns = [{ type: 'double' }, { type: 'string' }];
    expect(signatureOf(...columns).inputSpecs.map(({ name }) => name)).toEqual(['0', '1']);
    const matrix: Tensor = { name: 'any', datatype: 'FP64', shape: [2, 2], data: Float64Array.of(1, 2, 3, 4) };
    const split = given([{ type: 'double' }, { type: 'double' }], matrix);
    expect(split).toEqual([
      { name: '0', datatype: 'FP64', shape: [2], data: Float64Array.of(1, 3) },
      { name: '1', datatype: 'FP64', shape: [2], data: Float64Array.of(2, 4) },
    ]);
  });

  test('accepts an unnamed array under any name, with its type and shape only', () => {
    const tensor = [{ type: 'tensor', 'tensor-spec': { dtype: 'float32', shape: [-1, 2] } }];
    const input: Tensor = { name: 'x', datatype: 'FP32', shape: [1, 2], data: Float32Array.of(1, 2) };
    expect(given(tensor, input)[0]?.name).toBe('input');
    expect(() => given(tensor, { ...input, datatype: 'FP64', data: Float64Array.of(1, 2) })).toThrow(/FP64.*FP32/);
    expect(() => given(tensor, { ...input, shape: [2, 1] })).toThrow(/\[2, 1\].*\[-1, 2\]/);
  });

  test('rejects an invalid signature', () => {
    expect(() => readSignature({ signature: { inputs: '{' } })).toThrow(/not a JSON list/);
    expect(() => signatureOf({ type: 'complex', name: 'c' })).toThrow(/`c`.*complex/);
    expect(readSignature({}).inputs).toEqual({ form: 'open' });
  });
});
