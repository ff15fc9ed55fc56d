import { describe, expect, test } from 'vitest';
import type { Datatype, Tensor, TensorData } from '../contract.ts';
import { EXAMPLES } from '../suite.ts';
import { writeInfer } from './infer-request.ts';
import { readInfer } from './infer-response.ts';
import { hasBinaryTensors, readModelMetadata } from './metadata.ts';

const plain = (data: TensorData) => Array.from(data as Iterable<unknown>);
/** A server that returns its inputs: the request differs from the response only in the name of one member. */
function echo(tensor: Tensor, isBinary: boolean): readonly Tensor[] {
  const { headers, body } = writeInfer([tensor], {}, isBinary);
  const length = headers['inference-header-content-length'];
  const json = body.subarray(0, length === undefined ? body.length : Number(length));
  const answer = Buffer.from(json.toString().replace('"inputs"', '"outputs"'));
  const head = length === undefined ? undefined : String(answer.length);
  return readInfer(Buffer.concat([answer, body.subarray(json.length)]), head, undefined);
}

describe.each([
  ['binary', true],
  ['JSON', false],
])('in %s', (_name, isBinary) => {
  test.each(Object.keys(EXAMPLES) as Datatype[])('%s arrives unchanged', (datatype) => {
    // JSON has no infinities and no NaN.
    const isFinite = (value: unknown) => typeof value !== 'number' || Number.isFinite(value);
    const infinite = datatype === 'FP16' ? 0x7c00 : datatype === 'BF16' ? 0x7f80 : undefined;
    const all = EXAMPLES[datatype] as Uint8Array;
    const data = isBinary ? all : all.filter((value) => isFinite(value) && value !== infinite);
    const tensor: Tensor = { name: 'x "1"', datatype, shape: [data.length, 1], data };
    const [output] = echo(tensor, isBinary);
    expect(output).toMatchObject({ name: 'x "1"', datatype, shape: [data.length, 1] });
    expect(plain(output!.data)).toEqual(plain(data));
    expect(output!.data.constructor).toBe(data.constructor);
  });
});

test('requests outputs and passes parameters', () => {
  const tensor: Tensor = { name: 'x', datatype: 'UINT8', shape: [1], data: Uint8Array.of(7) };
  const options = { outputs: ['y'], parameters: { temperature: 0.5 } };
  const { headers, body } = writeInfer([tensor], options, true);
  const json = body.subarray(0, Number(headers['inference-header-content-length']));
  expect(JSON.parse(json.toString())).toEqual({
    inputs: [{ name: 'x', datatype: 'UINT8', shape: [1], parameters: { binary_data_size: 1 } }],
    outputs: [{ name: 'y', parameters: { binary_data: true } }],
    parameters: { temperature: 0.5 },
  });
  expect([...body.subarray(json.length)]).toEqual([7]);
  expect(JSON.parse(writeInfer([tensor], {}, false).body.toString())).toEqual({
    inputs: [{ name: 'x', datatype: 'UINT8', shape: [1], data: [7] }],
  });
});

test('rejects strings that are not UTF-8 and values that are not finite, in JSON only', () => {
  const bytes: Tensor = { name: 'x', datatype: 'BYTES', shape: [1], data: [Buffer.of(0xff)] };
  const half: Tensor = { name: 'x', datatype: 'FP16', shape: [1], data: Uint16Array.of(0x7c00) };
  for (const tensor of [bytes, half]) {
    expect(() => writeInfer([tensor], {}, false)).toThrow(/`x`: element 0 is not .* only accepts JSON/);
    expect(writeInfer([tensor], {}, true).body.length).toBeGreaterThan(0);
  }
});

function response(outputs: readonly object[], raw: Buffer = Buffer.alloc(0), more = 0) {
  const json = Buffer.from(JSON.stringify({ outputs }));
  return [Buffer.concat([json, raw]), String(json.length + more)] as const;
}
const y = { name: 'y', datatype: 'INT32', shape: [2] };
const binary = (size: unknown) => ({ ...y, parameters: { binary_data_size: size } });

test('reads outputs in JSON and in binary of one response, from any offset', () => {
  const [body, length] = response(
    [
      { name: 'a', datatype: 'UINT8', shape: [1], parameters: { binary_data_size: 1 } },
      binary(8),
      { ...y, name: 'c', data: [[5], [6]] },
    ],
    Buffer.from([9, 1, 0, 0, 0, 2, 0, 0, 0]),
  );
  const read = readInfer(body, length, ['c', 'y', 'a']);
  expect(read.map(({ name, data }) => [name, plain(data)])).toEqual([
    ['c', [5, 6]],
    ['y', [1, 2]],
    ['a', [9]],
  ]);
});

test.each<readonly [string, readonly [Buffer, string | undefined], RegExp]>([
  ['a negative size', response([binary(-1)]), /`binary_data_size`/],
  ['a size beyond the body', response([binary(8)], Buffer.alloc(4)), /beyond the 4 bytes/],
  ['a size that does not fit the shape', response([binary(4)], Buffer.alloc(4)), /4 bytes for 2 elements/],
  ['bytes after the last output', response([binary(8)], Buffer.alloc(9)), /1 bytes after/],
  ['a header length beyond the body', response([], undefined, 1), /inference-header-content-length/],
  ['a header length that is no number', [Buffer.from('{}'), 'x'], /inference-header-content-length/],
  ['an output twice', response([binary(8), binary(8)], Buffer.alloc(16)), /twice/],
  ['a negative size in the shape', response([{ ...y, shape: [-2] }]), /no valid `shape`/],
  ['a number beyond the datatype', response([{ ...y, data: [1, 2 ** 31] }]), /2147483648 as element 1/],
  ['more elements than the shape', response([{ ...y, data: [1, 2, 3] }]), /more than 2 elements/],
  [
    'a string with a length beyond its bytes',
    response(
      [{ ...y, datatype: 'BYTES', shape: [1], parameters: { binary_data_size: 5 } }],
      Buffer.from([9, 0, 0, 0, 1]),
    ),
    /invalid lengths/,
  ],
  ['deep nesting', [Buffer.from('['.repeat(100)), undefined], /not valid JSON/],
])('rejects a response with %s', (_name, [body, length], expected) => {
  expect(() => readInfer(body, length, undefined)).toThrow(expected);
});

test('reads metadata, and reports what the protocol does not define', () => {
  expect(hasBinaryTensors({ extensions: ['classification', 'binary_tensor_data'] })).toBe(true);
  expect([undefined, null, {}, { extensions: 'binary_tensor_data' }].map(hasBinaryTensors)).toEqual([
    false,
    false,
    false,
    false,
  ]);
  expect(readModelMetadata({ name: 'm', inputs: null }, 'u')).toEqual({ platform: 'remote', inputs: [], outputs: [] });
  const wrong: readonly [unknown, RegExp][] = [
    ['text', /not a JSON object/],
    [{ inputs: {} }, /not a list/],
    [{ inputs: [{}] }, /has no name/],
    [{ inputs: [{ name: 'x', datatype: 'STRING', shape: [] }] }, /datatype of "x" is "STRING"/],
    [{ outputs: [{ name: 'x', datatype: 'FP32', shape: [-2] }] }, /shape of "x"/],
  ];
  for (const [value, expected] of wrong) expect(() => readModelMetadata(value, 'http://u')).toThrow(expected);
});
