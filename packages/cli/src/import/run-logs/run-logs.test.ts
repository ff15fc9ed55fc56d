import { expect, test } from 'vitest';
import { maskedCrc32c } from '../tensorboard/crc32c.ts';
import { readEvent } from '../tensorboard/event.ts';
import { readHyperparameters } from '../tensorboard/hparams.ts';
import { Restarts } from '../tensorboard/restarts.ts';
import { csvRows, MalformedCsv } from '../wandb/csv-rows.ts';
import { pointsOfRow } from '../wandb/history.ts';
import { looseJson } from '../wandb/loose-json.ts';
import { readRecord } from '../wandb/record.ts';
import { LatestPoints, seriesOf, type LogPoint } from './log-metrics.ts';
import { PairList, pathOf } from './log-text.ts';
import * as write from './log-writers.testing.ts';
import { MalformedMessage, ProtoReader } from './proto-reader.ts';
import { textLines, type TextLine } from './text-lines.ts';

test('fields of a message are read with their types', () => {
  const reader = new ProtoReader(
    write.message([1, 300], [2, -5], [3, 'ä'], [4, write.double(0.1)], [5, write.float(0.5)], [6, 2n ** 53n]),
  );
  const read = () => {
    reader.next();
    return reader;
  };
  expect(read().int()).toBe(300);
  expect(read().int()).toBe(-5);
  expect(read().text()).toBe('ä');
  expect(read().double()).toBe(0.1);
  expect(read().float()).toBe(0.5);
  expect(read().int()).toBe(2 ** 53);
  expect(reader.next()).toBe(false);
});

test.each([
  ['a length beyond the end', Buffer.from([10, 200, 1])],
  ['an unfinished number', Buffer.from([8, 0x80])],
  ['a number that does not end', Buffer.from([8, ...Array.from({ length: 12 }, () => 0xff)])],
  ['an unknown wire type', Buffer.from([15])],
  ['a cut fixed number', Buffer.from([9, 0, 0])],
])('%s is an error and no loop', (_what, bytes) => {
  const all = () => {
    const reader = new ProtoReader(bytes);
    while (reader.next());
  };
  expect(all).toThrow(MalformedMessage);
});

test('the checksum is the masked CRC-32C of TFRecord', () => {
  // CRC-32C of these digits is 0xe3069283 in RFC 3720.
  const crc = 0xe3069283;
  expect(maskedCrc32c(Buffer.from('123456789'))).toBe((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
});

test('scalars of both forms, half precision and integers are numbers', () => {
  const eventOf = (...values: Buffer[]) => readEvent(write.event(12.5, 3, ...values).subarray(12, -4));
  expect(eventOf(write.scalar('loss', 0.5))).toMatchObject({ wallTime: 12.5, step: 3, values: [{ scalar: 0.5 }] });
  expect(eventOf(write.tensorScalar('loss', 0.25)).values[0]).toMatchObject({
    plugin: { name: 'scalars' },
    tensor: { number: 0.25 },
  });
  const tensor = (type: number, ...fields: (readonly [number, number | Buffer])[]) =>
    eventOf(write.message([1, 'x'], [8, write.message([1, type], ...fields)])).values[0]?.tensor?.number;
  expect(tensor(19, [13, 0x3e00])).toBe(1.5);
  expect(tensor(9, [10, -7])).toBe(-7);
  expect(tensor(9, [10, Buffer.from([0x85, 1, 3])])).toBe(133);
  expect(tensor(2, [4, write.double(0.1).bytes])).toBe(0.1);
  expect(tensor(7, [8, Buffer.from('text')])).toBeUndefined();
});

test('hyperparameters have their values, also nested ones', () => {
  const content = write.message([
    3,
    write.message([1, write.message([1, 'lr'], [2, write.message([2, write.double(0.1)])])]),
  ]);
  expect([...readHyperparameters(content).parameters]).toEqual([['lr', 0.1]]);
  // Each level is a list in a value: a depth that would exceed the stack is cut.
  let value = write.message([2, write.double(1)]);
  for (let depth = 0; depth < 2000; depth++) value = write.message([6, write.message([1, value])]);
  const deep = write.message([3, write.message([1, write.message([1, 'deep'], [2, value])])]);
  expect(readHyperparameters(deep).parameters.has('deep')).toBe(true);
});

test('a restart discards what was logged before it at its step or later', () => {
  const restarts = new Restarts();
  restarts.add(5, 3);
  restarts.add(9, 1);
  restarts.complete();
  const discards = (order: number, step: number) => restarts.discards({ order, step });
  expect([discards(2, 0), discards(3, 1), discards(4, 4)]).toEqual([false, true, true]);
  expect([discards(6, 0), discards(7, 2), discards(10, 2)]).toEqual([false, true, false]);
  // A second read starts at the beginning.
  expect(discards(2, 3)).toBe(true);
});

test('JSON as Python writes it', () => {
  expect([looseJson('NaN'), looseJson('-Infinity'), looseJson('"NaN"'), looseJson('{')]).toEqual([
    Number.NaN,
    -Infinity,
    'NaN',
    undefined,
  ]);
  expect(looseJson('{"a": [NaN, 1], "say \\"NaN\\"": -Infinity}')).toEqual({ a: ['NaN', 1], 'say "NaN"': '-Infinity' });
});

test('a row of a history has points for numbers only, and none for media', () => {
  const record = readRecord(
    write.wandb.history(4, 1_700_000_000.5, {
      loss: 0.5,
      'opt.lr': 0.1,
      flag: true,
      text: 'word',
      nothing: null,
      'img._type': 'image-file',
      'img.width': 4,
      table: { _type: 'table-file', nrows: 3 },
      list: [1, 2],
    }),
  );
  if (record?.kind !== 'history') throw new Error('no history');
  const at = { step: 4, timestamp: 1_700_000_000_500 };
  expect([...pointsOfRow(record.items, record.step)]).toEqual([
    { key: 'loss', value: 0.5, ...at },
    { key: 'opt.lr', value: 0.1, ...at },
    { key: 'flag', value: 1, ...at },
  ]);
});

async function rowsOf(...pieces: string[]): Promise<string[][]> {
  const rows: string[][] = [];
  const source = (async function* () {
    yield* pieces;
  })();
  for await (const row of csvRows(source)) rows.push(row);
  return rows;
}

test('CSV with quotes, line breaks in cells, split into any chunks', async () => {
  expect(await rowsOf('a,"b ""', 'c"" \nd"', '\r\n\r\n1,', '\n2,3')).toEqual([
    ['a', 'b "c" \nd'],
    ['1', ''],
    ['2', '3'],
  ]);
  await expect(rowsOf('a,"b')).rejects.toThrow(MalformedCsv);
});

test('lines have a maximum length, and an incomplete last line is marked', async () => {
  const source = (async function* () {
    yield* ['a\nb', 'c\n', 'long line', ' goes on\nend'];
  })();
  const lines: TextLine[] = [];
  for await (const line of textLines(source, 5)) lines.push(line);
  expect(lines).toEqual([
    { text: 'a', isTooLong: false, isLast: false },
    { text: 'bc', isTooLong: false, isLast: false },
    { text: 'long ', isTooLong: true, isLast: false },
    { text: 'end', isTooLong: false, isLast: true },
  ]);
});

test('a record that repeats an element without limit is rejected', () => {
  const many = Buffer.concat(Array.from({ length: 100_001 }, () => Buffer.from([10, 0])));
  expect(() => readRecord(write.message([2, many]))).toThrow(MalformedMessage);
  expect(() => readEvent(write.message([5, many]))).toThrow(MalformedMessage);
});

test('names from logs stay within their folder', () => {
  expect(pathOf('../../etc/passwd')).toBe('etc/passwd');
  expect(pathOf('/a//b\\..\\c\u0000:d')).toBe('a/b/c__d');
  expect(pathOf('..')).toBe('_');
});

test('pairs beyond a limit are counted, and nested maps become several', () => {
  const pairs = new PairList();
  pairs.setNested('', { a: { b: 1, c: [1, { d: null }] }, e: {}, f: 'x\0y' });
  pairs.set('k'.repeat(251), 'v');
  pairs.set('long', 'v'.repeat(100_001));
  expect(pairs.all()).toEqual({ 'a.b': '1', 'a.c': '[1,{"d":null}]', e: '{}', f: 'x\uFFFDy' });
  expect(pairs.omitted).toBe(2);
});

test('points become pages by metric, and the latest has the greatest step, time and value', async () => {
  const points: LogPoint[] = [
    { key: 'a', step: 2, timestamp: 1, value: 1 },
    { key: 'b', step: 0, timestamp: 1, value: Number.NaN },
    { key: 'a', step: 1, timestamp: 9, value: 2 },
    { key: 'a', step: 2, timestamp: 1, value: Infinity },
    { key: 'a', step: 1.5, timestamp: 1, value: 3 },
    { key: '', step: 1, timestamp: 1, value: 3 },
  ];
  const latest = new LatestPoints();
  for (const point of points) latest.add(point);
  expect(latest.all()).toEqual([
    { key: 'a', step: 2, timestamp: 1, value: 'Infinity' },
    { key: 'b', step: 0, timestamp: 1, value: 'NaN' },
  ]);
  expect(latest.omitted).toBe(2);
  const source = (async function* () {
    yield* points;
  })();
  const series = [];
  for await (const one of seriesOf(source)) series.push(one);
  expect(series).toEqual([
    { key: 'a', steps: [2, 1, 2], timestamps: [1, 9, 1], values: [1, 2, 'Infinity'] },
    { key: 'b', steps: [0], timestamps: [1], values: ['NaN'] },
  ]);
});
