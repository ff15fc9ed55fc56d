import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  encodeFrame,
  encodeShimFrame,
  FrameDecoder,
  MAX_PAYLOAD_BYTES,
  ShimProtocolError,
  type ShimFrame,
  type ShimFrameType,
} from './shim-protocol.ts';

const TYPES = ['hello', 'variables', 'proof', 'started', 'output', 'terminating', 'exited', 'failed'] as const;

const anyFrame: fc.Arbitrary<ShimFrame> = fc.record({
  type: fc.constantFrom<ShimFrameType>(...TYPES),
  payload: fc.uint8Array({ maxLength: 32 }).map((bytes) => Buffer.from(bytes)),
});
const anyStream = fc.array(anyFrame, { maxLength: 20 });
const anyCuts = fc.array(fc.integer({ min: 0, max: 800 }), { maxLength: 40 });

function streamOf(frames: readonly ShimFrame[]): Buffer {
  return Buffer.concat(frames.map(({ type, payload }) => encodeShimFrame(type, payload)));
}

/** Splits bytes at positions; pieces may be empty. */
function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const positions = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).toSorted((a, b) => a - b), bytes.length];
  return positions.slice(1).map((position, index) => bytes.subarray(positions[index], position));
}

function decodeAll(pieces: readonly Buffer[]): { frames: ShimFrame[]; problem?: string; isInsideFrame: boolean } {
  const decoder = new FrameDecoder();
  const frames: ShimFrame[] = [];
  try {
    for (const piece of pieces) for (const frame of decoder.decode(piece)) frames.push(frame);
  } catch (error) {
    if (!(error instanceof ShimProtocolError)) throw error;
    return { frames, problem: error.message, isInsideFrame: decoder.isInsideFrame };
  }
  return { frames, isInsideFrame: decoder.isInsideFrame };
}

const plain = (frames: readonly ShimFrame[]) => frames.map(({ type, payload }) => [type, payload.toString('hex')]);

test('decodes frames, wherever their bytes are split', () => {
  fc.assert(
    fc.property(anyStream, anyCuts, (frames, cuts) => {
      const decoded = decodeAll(split(streamOf(frames), cuts));
      expect(plain(decoded.frames)).toEqual(plain(frames));
      expect(decoded).toMatchObject({ isInsideFrame: false });
      expect(decoded).not.toHaveProperty('problem');
    }),
  );
});

test('reports an incomplete frame', () => {
  fc.assert(
    fc.property(anyStream, anyFrame, fc.nat(), anyCuts, (frames, last, part, cuts) => {
      const end = encodeShimFrame(last.type, last.payload);
      const stream = Buffer.concat([streamOf(frames), end.subarray(0, 1 + (part % (end.length - 1)))]);
      const decoded = decodeAll(split(stream, cuts));
      expect(plain(decoded.frames)).toEqual(plain(frames));
      expect(decoded.isInsideFrame).toBe(true);
    }),
  );
});

test('gives the same result for any bytes, wherever they are split', () => {
  const noise = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(anyStream, noise, anyStream, anyCuts, (before, bytes, after, cuts) => {
      const stream = Buffer.concat([streamOf(before), bytes, streamOf(after)]);
      const [whole, pieces] = [decodeAll([stream]), decodeAll(split(stream, cuts))];
      expect(plain(pieces.frames)).toEqual(plain(whole.frames));
      expect(pieces.problem).toBe(whole.problem);
    }),
  );
});

test.each([
  ['an unknown type', [0, 0, 0, 0, 9], 'the shim sent a frame of the unknown type 9'],
  ['a type of the agent', [0, 0, 0, 0, 66], 'the shim sent a frame of the unknown type 66'],
  ['a large payload', [0, 16, 0, 1, 5], 'the shim sent a frame `output` of 1048577 bytes, more than 1048576'],
  ['a large message', [0, 1, 0, 1, 7], 'the shim sent a frame `exited` of 65537 bytes, more than 65536'],
])('rejects %s as soon as its header is there', (_name, header, problem) => {
  expect(decodeAll([Buffer.from(header.slice(0, 4))])).toEqual({ frames: [], isInsideFrame: true });
  expect(decodeAll([Buffer.from(header)]).problem).toBe(problem);
  expect(decodeAll(header.map((byte) => Buffer.from([byte]))).problem).toBe(problem);
});

test('decodes the largest frame, also from single bytes and after other frames', () => {
  const payload = Buffer.alloc(MAX_PAYLOAD_BYTES, 7);
  const bytes = Buffer.concat([encodeShimFrame('started', Buffer.from('x')), encodeShimFrame('output', payload)]);
  const [first, ...rest] = decodeAll(
    Array.from({ length: bytes.length }, (_, at) => bytes.subarray(at, at + 1)),
  ).frames;
  expect(first).toEqual({ type: 'started', payload: Buffer.from('x') });
  expect(rest).toHaveLength(1);
  expect(rest[0]!.payload.equals(payload)).toBe(true);
});

test('keeps a frame unchanged while later ones are decoded', () => {
  const decoder = new FrameDecoder();
  const decode = (bytes: Buffer) => [...decoder.decode(bytes)];
  const one = encodeShimFrame('output', Buffer.from('one'));
  expect(decode(one.subarray(0, 6))).toEqual([]);
  const [frame] = decode(one.subarray(6));
  decode(encodeShimFrame('output', Buffer.from('two')));
  expect(frame!.payload.toString()).toBe('one');
});

test('encodes a frame of at most the limit', () => {
  expect(encodeFrame('challenge', Buffer.from('ab')).toString('hex')).toBe('00000002436162');
  expect(() => encodeFrame('arguments', Buffer.alloc(MAX_PAYLOAD_BYTES + 1))).toThrow(/cannot have 1048577 bytes/);
});
