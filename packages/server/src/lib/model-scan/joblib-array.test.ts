/** Files of joblib: arrays are skipped exactly as joblib does, and nothing can hide in them or after them. */
import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyContent, PickleBytes, scanPickle } from './pickle-scan.ts';
import { scanFile } from './scan-file.ts';

/** With a name in the header of gzip that is longer than what is read to recognize a format. */
const withLongName = (packed: Buffer) => {
  const header = Buffer.from(packed.subarray(0, 10));
  header[3] = 8;
  return Buffer.concat([header, Buffer.alloc(2000, 0x61), Buffer.alloc(1), packed.subarray(10)]);
};
const text = (value: string) => Buffer.concat([Buffer.from([0x8c, value.length]), Buffer.from(value)]);
const ops = (...parts: (Buffer | string)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));
const global = (module: string, name: string) => ops(text(module), text(name), '\x93');
const small = (value: number) => ops('K', Buffer.from([value]));

const EVIL = ops(global('os', 'system'), text('true'), '\x85R0');
const NUMBERS = [text('f8'), '(K\x03', text('<'), 'NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb'];
const OBJECTS = [text('O8'), '(K\x03', text('|'), 'NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb'];
const dtype = ([code, ...state]: readonly (Buffer | string)[]) =>
  ops(global('numpy', 'dtype'), code ?? '', '\x89\x88\x87R', ...state);

interface Shape {
  readonly sizes?: readonly number[];
  /** Opcodes of the same. */
  readonly dimensions?: readonly Buffer[];
  readonly dtype?: Buffer;
  readonly alignment?: string;
  readonly type?: Buffer;
  readonly more?: Buffer;
}

/** The object that joblib writes before an array. */
function wrapper({ sizes = [2], dtype: type = dtype(NUMBERS), alignment = 'K\x10', ...other }: Shape = {}): Buffer {
  return ops(
    other.type ?? global('joblib.numpy_pickle', 'NumpyArrayWrapper'),
    ')\x81}(',
    ops(text('subclass'), global('numpy', 'ndarray')),
    ops(text('shape'), '(', ...(other.dimensions ?? sizes.map(small)), 't'),
    ops(text('order'), text('C'), text('dtype'), type, text('allow_mmap'), '\x88'),
    ops(text('numpy_array_alignment_bytes'), alignment, other.more ?? '', 'ub'),
  );
}
const padding = (length = 3) => ops(Buffer.from([length]), Buffer.alloc(length, 0xff));
const twoNumbers = Buffer.alloc(16, 0x61);
const START = '\x80\x04';
/** Opcodes that precede a string or bytes with a length. */
const STRINGS = [...Buffer.from('BCTUX\x8c\x8d\x8e\x95\x96', 'latin1')];
const dictionary = (...parts: (Buffer | string)[]) => ops(START, '}', text('a'), ...parts, 's.');

async function scan(path: string, bytes: Buffer): Promise<string[]> {
  const read = async (offset: number, length: number) => await Promise.resolve(bytes.subarray(offset, offset + length));
  const findings = await scanFile({ path, size: bytes.length, read }, [path]);
  return findings.map(({ rule, severity, detail }) => `${severity} ${rule} ${detail}`);
}
const isBlocked = (found: readonly string[]) => found.some((one) => one.startsWith('block'));

describe('arrays of joblib', () => {
  it('pass, also several and compressed', async () => {
    const one = [wrapper(), padding(), twoNumbers];
    const file = ops(START, '(', ...one, ...one, wrapper({ sizes: [] }), padding(16), Buffer.alloc(8), 't.');
    expect(await scan('m.joblib', file)).toEqual([]);
    for (const packed of [deflateSync(file), gzipSync(file)]) {
      expect(await scan('m.joblib', packed)).toEqual([]);
      expect(await scan('weights.bin.z', packed)).toEqual([]);
    }
    expect(await scan('m.joblib', dictionary(wrapper({ sizes: [0, 5] }), padding()))).toEqual([]);
  });

  it('of objects pass when the pickle inside them does', async () => {
    const inner = ops('\x80\x05', global('numpy', 'ndarray'), '0N.');
    expect(await scan('m.joblib', dictionary(wrapper({ dtype: dtype(OBJECTS) }), inner))).toEqual([]);
  });

  it.each<readonly [string, Buffer]>([
    ['behind an array', ops(START, wrapper(), padding(), twoNumbers, '0', EVIL, 'N.')],
    ['in an array of objects', dictionary(wrapper({ dtype: dtype(OBJECTS) }), '\x80\x05', EVIL, 'N.')],
    ['behind an array of objects', ops(START, wrapper({ dtype: dtype(OBJECTS) }), '\x80\x05N.', '0', EVIL, 'N.')],
    // joblib reads no bytes where the shape has a zero.
    ['in bytes that belong to no array', dictionary(wrapper({ sizes: [0] }), padding(), EVIL)],
    ['before an array', ops(START, EVIL, wrapper(), padding(), twoNumbers, '.')],
    // What pickle.load executes.
    [
      'in the memo of the outer pickle',
      ops(
        START,
        ops(text('os'), '\x940', text('system'), '\x940'),
        wrapper({ dtype: dtype(OBJECTS) }),
        ops('\x80\x05', text('numpy'), '\x940', text('ndarray'), '\x940', 'h\x00h\x01\x93', text('true'), '\x85R.'),
        '.',
      ),
    ],
  ])('code is detected: %s', async (_where, file) => {
    const found = await scan('m.joblib', file);
    expect(found).toContain('block pickle-import It imports os.system, which no model needs at load time.');
    for (const path of ['m.joblib', 'weights.dat']) {
      for (const packed of [deflateSync(file), gzipSync(file), withLongName(gzipSync(file))])
        expect(isBlocked(await scan(path, packed))).toBe(true);
    }
  });

  it('are not searched in compressed tables', async () => {
    const rows = 'id,delay\n1,5\n';
    for (const packed of [deflateSync(rows), gzipSync(rows), withLongName(gzipSync(rows))])
      expect(await scan('rows.csv.gz', packed)).toEqual([]);
  });

  const hidden = (...parts: (Buffer | string)[]) => {
    const bytes = ops(...parts);
    return ops(bytes, Buffer.alloc(Math.max(0, 16 - bytes.length), 0x4e));
  };
  const array = (shape: Shape) => dictionary(wrapper(shape), padding(), twoNumbers);
  const wide = [text('f8'), '(K\x03', text('<'), 'NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x01tb'];
  it.each<readonly [string, Buffer]>([
    ['more elements than there are bytes', array({ sizes: [200, 200] })],
    ['a product that overflows', array({ sizes: Array.from({ length: 60 }, () => 255) })],
    // Python, which reads no padding there, would execute the bytes of the array.
    ['no alignment', dictionary(wrapper({ alignment: 'N' }), hidden('cos\nsystem\n'))],
    ['padding whose length is an opcode', dictionary(wrapper(), padding(0x28), twoNumbers)],
    ['padding with other bytes', dictionary(wrapper(), Buffer.from([2, 1, 1]), twoNumbers)],
    ['a dtype that declares numbers as objects', array({ dtype: dtype(wide) })],
    ['a dtype without a state', array({ dtype: ops(global('numpy', 'dtype'), text('f8'), '\x89\x88\x87R') })],
    ['a dtype whose state is set twice', array({ dtype: ops(dtype(NUMBERS), ...NUMBERS.slice(1)) })],
    [
      'a dtype that is not copied',
      array({ dtype: ops(global('numpy', 'dtype'), text('f8'), '\x89\x89\x87R', ...NUMBERS.slice(1)) }),
    ],
    [
      'a text whose length the state changes',
      array({ dtype: dtype([text('S8'), '(K\x03', text('|'), 'NNNK\x00K\x01K\x00tb']) }),
    ],
    ['a dtype that a function returns', array({ dtype: ops(global('numpy', 'result_type'), text('f8'), '\x85R') })],
    ['a field twice', array({ more: ops(text('shape'), '(K\x00t') })],
    ['another field', array({ more: ops(text('read'), 'N') })],
    [
      'a frame that goes beyond it',
      ops(START, '\x95', Buffer.from([255, 0, 0, 0, 0, 0, 0, 0]), wrapper(), padding(), Buffer.alloc(200, 0x4e), '.'),
    ],
    [
      'a class of its own',
      array({ type: ops(global('copy', 'copy'), global('joblib.numpy_pickle', 'NumpyArrayWrapper'), '\x85R') }),
    ],
    ['another class of joblib', array({ type: global('joblib.numpy_pickle', 'NDArrayWrapper') })],
    ['the class under another name', array({ type: global('my_package', 'NumpyArrayWrapper') })],
    // Set again, its state would make joblib read another array.
    [
      'an object that is used again',
      ops(
        START,
        global('joblib.numpy_pickle', 'NumpyArrayWrapper'),
        ')\x81\x94',
        wrapper().subarray(wrapper().indexOf(')\x81') + 2),
        padding(),
        twoNumbers,
        '0h\x00}b.',
      ),
    ],
    [
      'a state that something else refers to',
      ops(
        START,
        global('joblib.numpy_pickle', 'NumpyArrayWrapper'),
        ')\x81}\x94h\x000',
        wrapper().subarray(wrapper().indexOf(')\x81') + 3),
        padding(),
        twoNumbers,
        '.',
      ),
    ],
    [
      'a pickle of objects that ends within a frame',
      dictionary(wrapper({ dtype: dtype(OBJECTS) }), '\x80\x05\x95\x09', Buffer.alloc(7), 'N.', Buffer.alloc(7, 0x4e)),
    ],
    ['no end', ops(START, wrapper(), padding(), twoNumbers)],
  ])('ambiguous content is blocked: %s', async (_what, file) => {
    expect(isBlocked(await scan('m.joblib', file))).toBe(true);
    expect(isBlocked(await scan('weights.dat', file))).toBe(true);
  });

  it('of any size are stepped over without being read', async () => {
    const GIB = 2 ** 30;
    // 2^15 · 2^15 numbers of 8 bytes.
    const sizes = [0x8000, 0x8000].map((size) => ops('M', Buffer.from([size & 255, size >> 8])));
    const head = ops(START, '(', wrapper({ dimensions: sizes }), padding());
    const bytes = 8 * GIB;
    const scanLarge = async (tail: Buffer) => {
      let bytesRead = 0;
      const size = head.length + bytes + tail.length;
      const read = async (offset: number, length: number) => {
        bytesRead += length;
        const window = Buffer.alloc(length);
        head.copy(window, 0, Math.min(offset, head.length));
        const from = offset - head.length - bytes;
        if (from + length > 0) tail.copy(window, Math.max(0, -from), Math.max(0, from));
        return await Promise.resolve(window);
      };
      const findings = await scanFile({ path: 'm.joblib', size, read }, []);
      return { details: findings.map(({ detail }) => detail), isBounded: bytesRead < 64 * 2 ** 20 };
    };
    expect(await scanLarge(ops('t.'))).toEqual({ details: [], isBounded: true });
    expect(await scanLarge(ops(EVIL, 't.'))).toEqual({
      details: ['It imports os.system, which no model needs at load time.'],
      isBounded: true,
    });
  });

  it('and names are found alike in pieces of a file', async () => {
    const name = (index: number) => ops(global('collections', `Name${index}`), '0', 'C\xff', Buffer.alloc(255));
    const parts = Array.from({ length: 60_000 }, (_, index) => name(index % 500));
    const file = ops(START, 'B', Buffer.from([0, 0, 160, 0]), Buffer.alloc(10 * 2 ** 20), '0', ...parts, 'N.');
    const [whole, pieces] = [emptyContent(), emptyContent()];
    await scanPickle(PickleBytes.of(file), whole);
    const read = async (offset: number, length: number) =>
      await Promise.resolve(file.subarray(offset, offset + length));
    const from = PickleBytes.ofFile({ path: 'm.pkl', size: file.length, read });
    await scanPickle(from, pieces);
    expect(from.at).toBe(file.length);
    expect(whole.names.size).toBe(500);
    expect(pieces).toEqual(whole);
  });

  it('the message contains the remedy', async () => {
    expect(await scan('m.joblib', array({ alignment: 'N' }))).toEqual([
      'block pickle-broken It cannot be scanned completely as a pickle: an array is not aligned, as by joblib before 1.2, and ' +
        'other readers could read it differently. Save it with joblib 1.2 or newer, pickle or cloudpickle.',
    ]);
    expect((await scan('m.joblib', Buffer.from('BZh91AY'))).join()).toContain(
      'Save it uncompressed, or with gzip or zlib.',
    );
  });

  it('ends and never accepts code, with any other changes', async () => {
    const seed = ops(
      START,
      '(',
      wrapper(),
      padding(),
      twoNumbers,
      wrapper({ dtype: dtype(OBJECTS) }),
      '\x80\x05N.',
      EVIL,
      't.',
    );
    const end = seed.length - EVIL.length - 2;
    // A longer string contains the code as data: no lengths of strings change, and no strings are added.
    const edit = fc
      .tuple(fc.integer({ min: 2, max: end - 1 }), fc.nat(255))
      .filter(([at, value]) => seed[at - 1] !== 0x8c && !STRINGS.includes(value));
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
        const bytes = Buffer.from(seed);
        for (const [at, value] of edits) bytes[at] = value;
        expect(isBlocked(await scan('m.joblib', bytes))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe('names of Python', () => {
  const calls = (module: string, name: string) => ops(START, global(module, name), ')R.');
  it.each([
    ['random', '_os.system'],
    ['uuid', 'os.system'],
    ['uuid', '_get_command_stdout'],
    ['collections', '_sys.exit'],
    ['typing', '_eval_type'],
    ['typing', 'get_type_hints'],
    ['dataclasses', '_create_fn'],
    ['dataclasses', 'make_dataclass'],
    ['joblib.numpy_pickle', 'load'],
  ])('that act are blocked: %s.%s', async (module, name) => {
    expect(await scan('m.pkl', calls(module, name))).toEqual([
      `block pickle-import It imports ${module}.${name}, which no model needs at load time.`,
    ]);
  });

  it.each([
    ['dataclasses', '_MISSING_TYPE'],
    ['typing', 'Any'],
    ['random', 'Random'],
    ['array', '_array_reconstructor'],
  ])('that make values pass: %s.%s', async (module, name) => {
    expect(isBlocked(await scan('m.pkl', calls(module, name)))).toBe(false);
  });

  it('that make time zones pass', async () => {
    const method = (name: string) =>
      ops(
        START,
        global('builtins', 'getattr'),
        global('zoneinfo', 'ZoneInfo'),
        text(name),
        '\x86R',
        text('UTC'),
        '\x88\x86R.',
      );
    expect(isBlocked(await scan('m.pkl', method('_unpickle')))).toBe(false);
    expect(isBlocked(await scan('m.pkl', method('from_file')))).toBe(true);
  });
});
