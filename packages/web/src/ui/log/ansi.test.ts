import { expect, test } from 'vitest';
import { ansiParts, plainText } from './ansi.ts';

const ESC = '\u001B';

test('colors and weights apply until they are reset', () => {
  const parts = ansiParts(`ok ${ESC}[1;31mwrong${ESC}[0m end ${ESC}[92mgo`);
  expect(parts.map(({ text, style: { color, bold } }) => [text, color, bold])).toEqual([
    ['ok ', undefined, false],
    ['wrong', 1, true],
    [' end ', undefined, false],
    ['go', 2, false],
  ]);
  const colors = (line: string) => ansiParts(line).map(({ style }) => style.color);
  expect(colors(`${ESC}[38;5;9mx${ESC}[38;2;1;2;3my${ESC}[39mz`)).toEqual([1, 1, undefined]);
});

test('overwritten text keeps its last state, and invisible sequences are removed', () => {
  expect(plainText('10 %\r50 %\r100 %\r')).toBe('100 %');
  expect(plainText(`${ESC}]0;title\u0007a${ESC}[2Kb\u0000\tc`)).toBe('ab\tc');
  expect([ansiParts(''), ansiParts(`${ESC}[m`)]).toEqual([[], []]);
});
