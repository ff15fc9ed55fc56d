import { expect, test } from 'vitest';
import { completeUntil, expiredObjects, type ArchiveContents, type BaseBackup } from './archive-contents.ts';
import {
  baseName,
  formatPosition,
  parseObject,
  parsePosition,
  parseSegment,
  segmentName,
  walObject,
} from './archive-names.ts';

const MIB = 2 ** 20;
const SEGMENT = 16 * MIB;
const name = (number: number, timeline = 1) => segmentName({ timeline, number: BigInt(number) }, SEGMENT);

test('names of segments and positions are those of PostgreSQL', () => {
  expect(parsePosition('16/B374D848')).toBe(0x16_b3_74_d8_48n);
  expect(formatPosition(0x16_b3_74_d8_48n)).toBe('16/B374D848');
  expect(name(255)).toBe('0000000100000000000000FF');
  expect(name(256)).toBe('000000010000000100000000');
  expect(segmentName({ timeline: 26, number: 5000n }, MIB)).toBe('0000001A0000000100000388');
  for (const number of [0n, 1n, 4095n, 4096n, 123_456_789n]) {
    expect(parseSegment(segmentName({ timeline: 3, number }, MIB), MIB)).toEqual({ timeline: 3, number });
  }
  expect(parseSegment('00000002.history', SEGMENT)).toBeUndefined();
});

test('names of objects', () => {
  const sha256 = 'a'.repeat(64);
  expect(parseObject(walObject('id', name(1), sha256))).toEqual({ type: 'wal', id: 'id', file: name(1), sha256 });
  expect(parseObject(`id/base/${baseName(Date.UTC(2026, 11, 1, 19, 20))}/part-00001`)).toEqual({
    type: 'base',
    id: 'id',
    base: '20261201T192000Z',
    file: 'part-00001',
  });
  for (const other of ['id/wal/x.gz', 'id/base/x/part-1', 'id', 'wal/x', `id/wal/${name(1)}.gz`]) {
    expect({ other, parsed: parseObject(other) }).toEqual({ other, parsed: undefined });
  }
});

function base(day: number, first: number): BaseBackup {
  const at = (minute: number) => new Date(Date.UTC(2026, 11, day, 0, minute)).toISOString();
  return {
    name: baseName(Date.parse(at(0))),
    format: 1,
    programVersion: '0.1.0',
    major: 17,
    startedAt: at(0),
    stoppedAt: at(5),
    timeline: 1,
    segmentBytes: SEGMENT,
    firstSegment: name(first),
    lastSegment: name(first + 1),
    bytes: 1,
    parts: [{ name: 'part-00001', bytes: 1, sha256: 'b'.repeat(64) }],
    keys: [],
  };
}

function contents(bases: readonly BaseBackup[], segments: readonly number[]): ArchiveContents {
  const object = (file: string) => ({ object: `id/wal/${file}`, file, sha256: '', storedAt: new Date(0) });
  return { id: 'id', bases, incomplete: [], wal: new Map(segments.map((n) => [name(n), [object(name(n))]])) };
}

test('a log is complete up to its first gap', () => {
  const { wal } = contents([], [3, 4, 5, 7, 8]);
  expect(completeUntil(base(1, 3), wal)).toBe(name(5));
  expect(completeUntil(base(1, 7), wal)).toBe(name(8));
  // The second of the two segments that every recovery needs is missing.
  expect(completeUntil(base(1, 5), wal)).toBeUndefined();
  expect(completeUntil(base(1, 9), wal)).toBeUndefined();
});

test('the archive keeps the newest base backup before the recovery window, all later ones, and their log', () => {
  const archive = contents([base(1, 3), base(2, 10), base(3, 20)], [3, 4, 9, 10, 11, 20, 21]);
  const day = (number: number) => Date.UTC(2026, 11, number, 12);
  expect(expiredObjects(archive, day(1) - 86_400_000)).toEqual([]);
  expect(expiredObjects(archive, day(1))).toEqual([]);
  expect(expiredObjects(archive, day(2))).toEqual([
    'id/base/20261201T000000Z/base.json',
    'id/base/20261201T000000Z/part-00001',
    `id/wal/${name(3)}`,
    `id/wal/${name(4)}`,
    `id/wal/${name(9)}`,
  ]);
  expect(expiredObjects(archive, day(9)).filter((object) => object.endsWith('base.json'))).toHaveLength(2);
  expect(expiredObjects(contents([], [1, 2]), day(9))).toEqual([]);
});
