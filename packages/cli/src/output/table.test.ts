import { expect, test } from 'vitest';
import { colorStyle, plainStyle } from '#output/style.ts';
import { table, type Cell } from '#output/table.ts';

const rows: readonly (readonly Cell[])[] = [
  [{ text: 'chat-webhook' }, { text: 'Address of the chat room for alerts of the operations desk' }, { text: '3m' }],
  [{ text: '漢字' }, { text: '' }, { text: '200d' }],
  [{ text: 'a' }, { text: 'two\nlines' }, { text: '1s', paint: (style) => style.warn }],
];

test('columns are aligned under their headers, and nothing is truncated without a terminal', async () => {
  const text = table(['name', 'description', 'age'], rows, { style: plainStyle, columns: undefined });
  await expect(text).toMatchFileSnapshot('__golden__/table.txt');
});

test('a narrow terminal truncates the widest column first', async () => {
  const text = table(['name', 'description', 'age'], rows, { style: plainStyle, columns: 48 });
  await expect(text).toMatchFileSnapshot('__golden__/table-narrow.txt');
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(48);
});

test('color changes no column', () => {
  const options = { columns: undefined, head: false };
  const colored = table(['name', 'description', 'age'], rows, { ...options, style: colorStyle });
  // oxlint-disable-next-line no-control-regex -- color is made of control characters
  expect(colored.replaceAll(/\u001b\[\d+m/g, '')).toBe(
    table(['name', 'description', 'age'], rows, { ...options, style: plainStyle }),
  );
  expect(colored).toContain('\u001b[33m1s\u001b[39m\n');
});

test('further rows keep the present widths', () => {
  const text = table(['n', 'age'], [[{ text: 'x' }, { text: '1s' }]], {
    style: plainStyle,
    columns: undefined,
    head: false,
    widths: [6, 3],
  });
  expect(text).toBe('x        1s\n');
});
