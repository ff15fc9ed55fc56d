import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arrayOver, elementBytes, type Datatype, type InferResponse, type Tensor } from '#gateway/index.ts';
import { encodeTensor } from './raw-tensor.ts';
import { readRawRest, readRest } from './rest-request.ts';
import { writeRest } from './rest-response.ts';

const NUMBERS = [
  'BOOL',
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'FP32',
  'FP64',
] as const;

/** Any tensor that JSON can represent. */
const tensors = fc
  .tuple(
    fc.constantFrom(...NUMBERS, 'BYTES' as const),
    fc.array(fc.nat(4), { minLength: 1, maxLength: 3 }),
    fc.infiniteStream(fc.nat(255)),
  )
  .map(([datatype, shape, noise]): Tensor => {
    const count = shape.reduce((product, size) => product * size, 1);
    if (datatype === 'BYTES') {
      const data = Array.from({ length: count }, () =>
        Buffer.from(String.fromCodePoint(32 + (noise.next().value ?? 0))),
      );
      return { name: 'x', datatype, shape, data };
    }
    const bytes = Buffer.alloc(count * (elementBytes(datatype) as number));
    for (let at = 0; at < bytes.length; at++)
      bytes[at] = datatype === 'BOOL' ? (noise.next().value ?? 0) % 2 : (noise.next().value ?? 0);
    const data = arrayOver(datatype, bytes);
    if (datatype === 'FP32' || datatype === 'FP64') {
      const floats = data as Float64Array;
      for (let at = 0; at < floats.length; at++) if (!Number.isFinite(floats[at])) floats[at] = at;
    }
    return { name: 'x', datatype, shape, data };
  });

const ANSWER = {
  described: {
    endpoint: 'm',
    version: '3',
    platform: 'p',
    inputs: [],
    outputs: [],
    signature: undefined,
    enforce: false,
  },
  variant: 'stable',
  predictionId: 'id',
} satisfies Omit<InferResponse, 'outputs'>;

const NO_REQUEST = { id: undefined, parameters: {}, inputs: [], outputs: undefined };

/** Reads an encoded response as a request: both have one format. */
function roundTrip(tensor: Tensor, binary: boolean, nan = false): readonly Tensor[] {
  const { body, headers } = writeRest({ ...ANSWER, outputs: [tensor] }, NO_REQUEST, { nan, binary });
  const text = Buffer.from(body as string);
  const length = Number(headers['inference-header-content-length'] ?? text.length);
  const renamed = Buffer.concat([
    Buffer.from(text.subarray(0, length).toString().replace('"outputs"', '"inputs"')),
    text.subarray(length),
  ]);
  // "inputs" is one byte shorter.
  return readRest(renamed, length - 1, nan).inputs;
}

test('tensors survive a round trip in JSON and in binary', () => {
  fc.assert(
    fc.property(tensors, fc.boolean(), (tensor, binary) => {
      const [read] = roundTrip(tensor, binary);
      expect(read).toMatchObject({ name: 'x', datatype: tensor.datatype, shape: tensor.shape });
      expect(encodeTensor((read as Tensor).data).equals(encodeTensor(tensor.data))).toBe(true);
    }),
  );
});

test('half precision is binary only', () => {
  const tensor: Tensor = { name: 'x', datatype: 'FP16', shape: [2], data: Uint16Array.of(0x3c00, 1) };
  expect(roundTrip(tensor, true)).toMatchObject([{ datatype: 'FP16', data: Uint16Array.of(0x3c00, 1) }]);
  // Also without a request for binary; a request for JSON is an error.
  expect(roundTrip(tensor, false)).toMatchObject([{ data: Uint16Array.of(0x3c00, 1) }]);
  const outputs = [{ name: 'x', parameters: { binary_data: false }, classes: undefined }];
  const ask = () =>
    writeRest({ ...ANSWER, outputs: [tensor] }, { ...NO_REQUEST, outputs }, { nan: false, binary: true });
  expect(ask).toThrow('Request it with the parameter binary_data');
});

test('NaN is JSON only if both sides allow it', () => {
  const tensor: Tensor = {
    name: 'x',
    datatype: 'FP32',
    shape: [3],
    data: Float32Array.of(Number.NaN, Infinity, -Infinity),
  };
  expect(roundTrip(tensor, false, true)).toMatchObject([{ data: tensor.data }]);
  expect(() => roundTrip(tensor, false)).toThrow('Element 0 of the output "x" is NaN');
});

function read(text: string, nan = false) {
  const bytes = Buffer.from(text);
  return readRest(bytes, bytes.length, nan);
}

const input = (fields: string) => `{"inputs":[{"name":"x",${fields}}]}`;

test('integers above 2^53 keep their digits', () => {
  const { inputs } = read(input('"shape":[2],"datatype":"INT64","data":[9007199254740993,-9223372036854775808]'));
  expect(inputs[0]?.data).toEqual(BigInt64Array.of(9_007_199_254_740_993n, -9_223_372_036_854_775_808n));
});

test('data may precede its type, flat or nested', () => {
  expect(read(input('"data":[[1,2],[3,4]],"datatype":"INT32","shape":[2,2]')).inputs).toEqual(
    read(input('"shape":[2,2],"datatype":"INT32","data":[1,2,3,4]')).inputs,
  );
});

describe('reports the errors of hostile requests', () => {
  test.each([
    ['no body', ' ', 'truncated'],
    ['not an object', '[]', 'expected an object with "inputs"'],
    ['cut off', '{"inputs":[{"name":"x"', 'truncated'],
    ['no inputs', '{"id":"1"}', 'no "inputs"'],
    ['invalid inputs', '{"inputs":3}', 'expected an array'],
    ['an invalid id', '{"id":3,"inputs":[]}', 'expected a string'],
    ['no datatype', input('"shape":[1],"data":[1]'), 'no "datatype"'],
    ['an unknown datatype', input('"shape":[1],"datatype":"FP99","data":[1]'), 'the unknown datatype "FP99"'],
    [
      'a numeric datatype',
      input('"shape":[1],"datatype":[9007199254740993],"data":[1]'),
      'a datatype that is not a string',
    ],
    [
      'an object for an element',
      input('"shape":[1],"datatype":"FP32","data":[{"a":9007199254740993}]'),
      'is an object',
    ],
    ['no shape', input('"datatype":"FP32","data":[1]'), 'no "shape"'],
    ['no data', input('"shape":[1],"datatype":"FP32"'), 'no "data"'],
    ['a negative size', input('"shape":[-1,-1],"datatype":"FP32","data":[1]'), 'integers from 0'],
    ['a size that is not a number', input('"shape":["a"],"datatype":"FP32","data":[1]'), 'integers from 0'],
    [
      'a size above the limit',
      input('"shape":[4611686018427387904,4,2],"datatype":"FP32","data":[1]'),
      'integers from 0',
    ],
    [
      'sizes that overflow',
      input('"shape":[4294967296,4294967296,1],"datatype":"FP32","data":[1]'),
      'fewer elements than its shape',
    ],
    ['too little data', input('"shape":[2],"datatype":"FP32","data":[1]'), 'has 1 elements; its shape [2] has 2'],
    ['too much data', input('"shape":[1],"datatype":"FP32","data":[1,2]'), 'more elements than its shape'],
    [
      'ragged lists',
      input('"shape":[2,2],"datatype":"FP32","data":[[1],[2,3,4]]'),
      'A nested array of the data of "x" has 1',
    ],
    [
      'nested beyond the shape',
      input('"shape":[1],"datatype":"FP32","data":[[1]]').replace('[[1]]', '[[1,1]]'),
      'more elements',
    ],
    ['unlimited nesting', input(`"shape":[1],"datatype":"FP32","data":${'['.repeat(9999)}`), 'nested deeper than 64'],
    ['a string for a number', input('"shape":[1],"datatype":"FP32","data":["a"]'), 'is the string "a"; expected FP32'],
    ['a number for a string', input('"shape":[1],"datatype":"BYTES","data":[1]'), 'is 1; expected BYTES'],
    ['null', input('"shape":[1],"datatype":"FP32","data":[null]'), 'is null; expected FP32'],
    ['NaN', input('"shape":[1],"datatype":"FP32","data":[NaN]'), 'NaN is not a JSON number'],
    ['a fraction for an integer', input('"shape":[1],"datatype":"INT8","data":[1.5]'), 'is 1.5; expected INT8'],
    ['out of range', input('"shape":[1],"datatype":"INT8","data":[128]'), 'is 128, which is not from -128 to 127'],
    [
      'out of range of 64 bits',
      input('"shape":[1],"datatype":"UINT64","data":[18446744073709551616]'),
      'not from 0 to',
    ],
    ['a float out of range', input('"shape":[1],"datatype":"FP32","data":[1e39]'), 'out of range'],
    ['half precision', input('"shape":[1],"datatype":"BF16","data":[1]'), 'send the tensor in binary'],
    ['a duplicate key', input('"shape":[1],"shape":[1],"datatype":"FP32","data":[1]'), 'the key "shape" is used twice'],
    ['a duplicate output', '{"inputs":[],"outputs":[{"name":"y"},{"name":"y"}]}', 'requested twice'],
    ['an invalid parameter', '{"inputs":[],"parameters":{"a":[1]}}', 'The parameter "a"'],
    [
      'missing binary data',
      input('"shape":[1],"datatype":"FP32","parameters":{"binary_data_size":4}'),
      '0 bytes are left',
    ],
    [
      'binary data of another size',
      input('"shape":[1],"datatype":"FP32","parameters":{"binary_data_size":-4}'),
      '"binary_data_size" -4',
    ],
  ])('%s', (_, text, message) => {
    expect(() => read(text)).toThrow(message);
  });

  test('bytes without an input', () => {
    const head = Buffer.from('{"inputs":[]}');
    expect(() => readRest(Buffer.concat([head, Buffer.alloc(4)]), head.length, false)).toThrow('4 bytes after');
  });

  test('truncated strings', () => {
    const head = Buffer.from(input('"shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":8}'));
    const body = Buffer.concat([head, Buffer.from([255, 255, 255, 255, 1, 2, 3, 4])]);
    expect(() => readRest(body, head.length, false)).toThrow('Element 0 of the input "x" is truncated');
  });
});

describe('a single binary tensor', () => {
  const described = (datatype: Datatype, shape: readonly number[], more = 0) => ({
    ...ANSWER.described,
    inputs: Array.from({ length: 1 + more }, (_, n) => ({ name: `x${n}`, datatype, shape })),
  });

  test('is a batch of one', () => {
    const bytes = Buffer.from(Float32Array.of(1, 2, 3).buffer);
    expect(readRawRest(bytes, described('FP32', [-1, 3])).inputs).toMatchObject([{ shape: [1, 3] }]);
    expect(readRawRest(bytes, described('FP32', [-1, -1])).inputs).toMatchObject([{ shape: [1, 3] }]);
    expect(readRawRest(bytes, described('FP32', [-1])).inputs).toMatchObject([{ shape: [3] }]);
    expect(readRawRest(Buffer.from('hi'), described('BYTES', [-1, 1])).inputs).toMatchObject([
      { shape: [1, 1], data: [Buffer.from('hi')] },
    ]);
  });

  test('must fit the input', () => {
    const bytes = Buffer.alloc(12);
    expect(() => readRawRest(bytes, described('FP32', [-1, 4]))).toThrow('4 elements of FP32 require 16');
    expect(() => readRawRest(bytes, described('FP32', [-1, -1, -1]))).toThrow('do not fit the tensor');
    expect(() => readRawRest(bytes, described('FP32', [-1, 3], 1))).toThrow('a model with one input');
  });
});
