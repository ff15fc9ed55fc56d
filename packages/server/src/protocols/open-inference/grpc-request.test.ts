import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesField, messageOf, numberField } from '#lib/formats/protobuf-writer.ts';
import { readGrpcRequest } from './grpc-request.ts';

interface Sent {
  readonly datatype?: string;
  readonly shape?: readonly number[];
  readonly contents?: Buffer;
  readonly raw?: Buffer;
}

function request({ datatype = 'FP32', shape = [1], contents, raw }: Sent): Buffer {
  const tensor = messageOf(
    bytesField(1, 'x'),
    bytesField(2, datatype),
    ...shape.map((size) => numberField(3, size)),
    ...(contents === undefined ? [] : [bytesField(5, contents)]),
  );
  return messageOf(
    bytesField(1, 'm'),
    bytesField(2, '1'),
    bytesField(3, 'id'),
    bytesField(4, messageOf(bytesField(1, 'timeout'), bytesField(2, messageOf(numberField(2, 5))))),
    bytesField(5, tensor),
    bytesField(6, messageOf(bytesField(1, 'y'))),
    ...(raw === undefined ? [] : [bytesField(7, raw)]),
  );
}

test('reads a request with raw contents', () => {
  const floats = Float32Array.of(1.5, -2);
  expect(readGrpcRequest(request({ shape: [2], raw: Buffer.from(floats.buffer) }))).toEqual({
    endpoint: 'm',
    version: '1',
    id: 'id',
    parameters: { timeout: 5 },
    inputs: [{ name: 'x', datatype: 'FP32', shape: [2], data: floats }],
    outputs: ['y'],
  });
});

test('reads typed contents, packed or one by one', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -128, max: 127 }), { maxLength: 20 }), (values) => {
      const packed = messageOf(...values.map((value) => numberField(2, value)));
      const one = readGrpcRequest(request({ datatype: 'INT8', shape: [values.length], contents: packed }));
      expect(one.inputs[0]?.data).toEqual(Int8Array.from(values));
      // Without the tags of the values, their bytes are consecutive.
      const bytes = Buffer.concat(values.map((value) => numberField(2, value)[1] as Uint8Array));
      const other = readGrpcRequest(
        request({ datatype: 'INT8', shape: [values.length], contents: messageOf(bytesField(2, bytes)) }),
      );
      expect(other.inputs[0]?.data).toEqual(Int8Array.from(values));
    }),
  );
});

test.each([
  [
    'contents of another type',
    { datatype: 'INT64', contents: messageOf(numberField(1, 1)) },
    'are of type BOOL, but its datatype is INT64',
  ],
  [
    'both forms',
    { raw: Buffer.alloc(4), contents: messageOf(numberField(1, 1)) },
    'both contents and raw_input_contents',
  ],
  ['a negative size', { shape: [-1], raw: Buffer.alloc(4) }, 'integers from 0'],
  ['too few bytes', { shape: [2], raw: Buffer.alloc(4) }, 'has 4 bytes; 2 elements of FP32 require 8'],
  ['no contents', { shape: [1] }, 'has 0 elements; its shape [1] has 1'],
  ['half precision as contents', { datatype: 'FP16', contents: messageOf(numberField(2, 1)) }, 'its datatype is FP16'],
  ['an unknown datatype', { datatype: 'X', raw: Buffer.alloc(4) }, 'the unknown datatype "X"'],
])('rejects %s', (_, sent: Sent, message) => {
  expect(() => readGrpcRequest(request(sent))).toThrow(message);
});

test('rejects every invalid message', () => {
  const whole = request({ shape: [2], raw: Buffer.alloc(8) });
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.uint8Array({ maxLength: 10 }), (position, noise) => {
      const broken = Buffer.from(whole);
      broken.set(noise.subarray(0, broken.length - position), position);
      const statusOf = () => {
        try {
          readGrpcRequest(broken);
          return 400;
        } catch (error) {
          return (error as { status?: unknown }).status;
        }
      };
      expect(statusOf()).toBe(400);
    }),
  );
});
