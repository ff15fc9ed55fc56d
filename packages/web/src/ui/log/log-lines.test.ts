import { expect, test } from 'vitest';
import { appendLog, findInLog, NO_LINES } from './log-lines.ts';

const read = (...pieces: readonly string[]) => pieces.reduce((log, piece) => appendLog(log, piece), NO_LINES);

test('chunks can split lines anywhere', () => {
  expect(read('a\nb', 'c\n', '', '\nd').lines).toEqual(['a', 'bc', '', 'd']);
  expect(read('a\n').open).toBe(false);
  expect(read('a', '\n', 'b').lines).toEqual(['a', 'b']);
});

test('the oldest lines are dropped and counted', () => {
  const many = Array.from({ length: 30 }, (_, n) => `${n}\n`).join('');
  const log = appendLog(NO_LINES, many, 20);
  expect([log.lines.length, log.lines[0], log.dropped]).toEqual([20, '10', 10]);
});

test('searches ignore case', () => {
  expect(findInLog(['An Error', 'fine', 'error'], 'ERROR', (line) => line)).toEqual([0, 2]);
  expect(findInLog(['a'], '', (line) => line)).toEqual([]);
});
