import { expect, test } from 'vitest';
import { framed, momentText, type FrameView } from './frame.ts';

test.each([
  ['2026-11-20T05:30:00', '2026-11-20T05:30:00Z'],
  ['2026-11-20 05:30:00', '2026-11-20T05:30:00Z'],
  ['2026-11-20', '2026-11-20T00:00:00Z'],
  ['2026-11-20 05:30', '2026-11-20T05:30:00Z'],
  ['2026-11-20T05:30:00.123456789', '2026-11-20T05:30:00.123456Z'],
  ['2026-11-20T05:30:00+0100', '2026-11-20T05:30:00+01:00'],
  ['2026-11-20 05:30:00 UTC', '2026-11-20T05:30:00Z'],
  [null, null],
])('the time %s is %s', (given, expected) => {
  expect(momentText(given, 'ts')).toBe(expected);
});

test.each(['yesterday', '2026-13-01', 5, {}, ''])('rejects %j as a time, with row and column', (given) => {
  expect(() => momentText(given, 'ts', 2)).toThrow(/in row 3 of `ts` is not a time/);
});

const view: FrameView = {
  eventTime: 'seen_at',
  createdTime: 'written_at',
  features: [
    { name: 'score', type: 'float64' },
    { name: 'last', type: 'timestamp' },
    { name: 'all', type: 'list<timestamp>' },
  ],
  columns: { score: 'raw_score' },
};

test('returns the columns of the view under its names, and omits unknown ones', () => {
  const frame = {
    id: [1],
    raw_score: [0.5],
    last: [1_700_000_000],
    all: [[0, 1]],
    event_timestamp: ['2026-11-20'],
    created: ['2026-11-21'],
    other: ['x'],
  };
  expect(framed(frame, view, ['id'])).toEqual({
    id: [1],
    score: [0.5],
    last: ['2023-11-14T22:13:20.000Z'],
    all: [['1970-01-01T00:00:00.000Z', '1970-01-01T00:00:01.000Z']],
    seen_at: ['2026-11-20T00:00:00Z'],
    written_at: ['2026-11-21T00:00:00Z'],
  });
});

test('rejects columns of different lengths', () => {
  expect(() => framed({ id: [1, 2], score: [1] }, view, ['id'])).toThrow('different lengths');
});
