import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeMessage, encodeRun, readShimMessage, readVariables, type CommandOrder } from './shim-messages.ts';
import { MAX_PAYLOAD_BYTES, ShimProtocolError, type ShimFrame, type ShimFrameType } from './shim-protocol.ts';

const read = (type: ShimFrameType, message: unknown) =>
  readShimMessage({ type, payload: Buffer.from(JSON.stringify(message)) });

const END = {
  code: 3,
  startedAt: 1000,
  endedAt: 2000,
  wallMs: 1000,
  cpuMs: 20,
  maxRssBytes: 4096,
  outputBytes: 8,
  killed: false,
  hasSurvivors: false,
};

test('reads how a command started and ended', () => {
  expect(read('started', { pid: 7, startedAt: 1000 })).toEqual({
    type: 'started',
    start: { pid: 7, startedAt: new Date(1000) },
  });
  const dates = { startedAt: new Date(1000), endedAt: new Date(2000) };
  expect(read('exited', END)).toEqual({ type: 'exited', end: { ...END, ...dates } });
  const { code: _, ...rest } = END;
  const group = { version: 2, peakMemoryBytes: 5, memoryKills: 1, cpuMs: 30 };
  expect(read('exited', { ...rest, signal: 9, controlGroup: group })).toEqual({
    type: 'exited',
    end: { ...rest, ...dates, signal: 'SIGKILL', controlGroup: group },
  });
  expect(read('exited', { ...END, controlGroup: { version: 1, memoryKills: 0 } })).toMatchObject({
    end: { controlGroup: { version: 1, memoryKills: 0 } },
  });
  expect(read('failed', { errno: 2, message: 'no x' })).toEqual({
    type: 'failed',
    failure: { code: 'ENOENT', message: 'no x' },
  });
  expect(read('terminating', { signal: 37 })).toEqual({ type: 'terminating', signal: 'signal 37' });
});

test.each<readonly [ShimFrameType, unknown, RegExp]>([
  ['exited', { ...END, signal: 9 }, /no code or signal, or both/],
  ['exited', { ...END, code: undefined }, /no code or signal, or both/],
  ['exited', { ...END, code: 256 }, /`code`/],
  ['exited', { ...END, endedAt: 1e17 }, /`endedAt`/],
  ['exited', { ...END, wallMs: 1.5 }, /`wallMs`/],
  ['exited', { ...END, killed: 1 }, /`killed`/],
  ['exited', { ...END, controlGroup: [] }, /`controlGroup`/],
  ['exited', { ...END, controlGroup: { version: 3 } }, /`version`/],
  ['started', { pid: -1, startedAt: 1 }, /`pid`/],
  ['started', { pid: '1', startedAt: 1 }, /`pid`/],
  ['failed', { errno: 2, message: null }, /`message`/],
  ['failed', null, /not an object/],
])('rejects a message `%s` with wrong fields', (type, message, words) => {
  expect(() => read(type, message)).toThrow(ShimProtocolError);
  expect(() => read(type, message)).toThrow(words);
});

test('reads any message of a hostile shim, or rejects it', () => {
  const types = fc.constantFrom<ShimFrameType>('hello', 'started', 'terminating', 'exited', 'failed', 'proof');
  const names = fc.constantFrom(...Object.keys(END), 'signal', 'pid', 'errno', 'message', 'controlGroup', '__proto__');
  const values = fc.oneof(fc.jsonValue(), fc.constant(0), fc.constant(''), fc.constant(false));
  const payload = fc.oneof(
    fc.dictionary(names, values).map((message) => Buffer.from(JSON.stringify(message))),
    fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
  );
  const typeOf = (frame: ShimFrame) => {
    try {
      return readShimMessage(frame).type;
    } catch (error) {
      return error instanceof ShimProtocolError ? 'rejected' : error;
    }
  };
  fc.assert(
    fc.property(types, payload, (type, bytes) => {
      expect(['rejected', type]).toContain(typeOf({ type, payload: bytes }));
    }),
  );
});

/** Splits frames of the agent as the shim does. */
function framesOf(bytes: Buffer): { readonly type: number; readonly payload: Buffer }[] {
  const frames: { type: number; payload: Buffer }[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = bytes.readUInt32BE(at);
    frames.push({ type: bytes.readUInt8(at + 4), payload: bytes.subarray(at + 5, at + 5 + size) });
    at += 5 + size;
  }
  return frames;
}

function sent(order: CommandOrder) {
  const frames = framesOf(Buffer.concat(encodeRun(order)));
  for (const { payload } of frames) expect(payload.length).toBeLessThanOrEqual(MAX_PAYLOAD_BYTES);
  const strings = (type: number) => {
    const joined = Buffer.concat(frames.filter((frame) => frame.type === type).map(({ payload }) => payload));
    return joined.toString('utf8').split('\0').slice(0, -1);
  };
  const run: unknown = JSON.parse(frames.at(-1)!.payload.toString('utf8'));
  return { arguments: strings(65), variables: strings(2), run };
}

const rest = { workingFolder: '/work', graceMs: 100, secret: 's' } as const;

test('sends arguments and variables exactly', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 30 }).map((value) => value.replaceAll('\0', ''));
  const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/).filter((one) => one !== '__proto__');
  fc.assert(
    fc.property(text, fc.array(text), fc.dictionary(name, text), (program, words, variables) => {
      const frames = sent({ command: [program, ...words], variables, ...rest });
      expect(frames.arguments).toEqual([program, ...words]);
      expect(frames.variables).toEqual(Object.entries(variables).map(([key, value]) => `${key}=${value}`));
      expect(frames.run).toEqual({
        ...rest,
        arguments: 1 + words.length,
        variables: Object.keys(variables).length,
        limits: {},
      });
      const joined = Buffer.from(frames.variables.map((one) => `${one}\0`).join(''));
      expect(readVariables(joined, frames.variables.length)).toEqual({ ...variables });
    }),
  );
});

test('splits strings that are larger than a frame', () => {
  const long = '\u{1}"é'.repeat(400_000);
  const { arguments: words, run } = sent({ command: ['x', long], variables: { A: long }, ...rest });
  expect(words).toEqual(['x', long]);
  expect(run).toMatchObject({ arguments: 2, variables: 1 });
});

test('rejects a zero byte, and a wrong number of variables', () => {
  expect(() => encodeRun({ command: ['x\0y'], variables: {}, ...rest })).toThrow(/zero byte/);
  expect(() => encodeRun({ command: ['x'], variables: { A: '\0' }, ...rest })).toThrow(/zero byte/);
  expect(() => readVariables(Buffer.from('A=1\0B'), 1)).toThrow(ShimProtocolError);
  expect(() => readVariables(Buffer.from('A=1\0'), 2)).toThrow(/1 variables instead of 2/);
  expect(readVariables(Buffer.from('A=1=2\0B\0'), 2)).toEqual({ A: '1=2', B: '' });
  expect(encodeMessage('bye', {}).toString('hex')).toBe('00000002477b7d');
});

test('has one type for each frame', () => {
  const frame = (type: ShimFrameType): ShimFrame => ({ type, payload: Buffer.alloc(32) });
  expect(readShimMessage(frame('proof'))).toEqual({ type: 'proof', bytes: Buffer.alloc(32) });
  expect(() => readShimMessage({ type: 'proof', payload: Buffer.alloc(31) })).toThrow(/wrong length/);
});
