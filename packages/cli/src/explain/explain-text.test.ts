import { findKind, kinds, type KindSpec } from '@dais/api';
import { expect, test } from 'vitest';
import { fieldPage, kindList, kindPage } from '#explain/explain-text.ts';
import { plainStyle } from '#output/style.ts';

const options = { style: plainStyle, columns: undefined };
const kind = (word: string): KindSpec => findKind(word)!;

test('the kinds', async () => {
  await expect(kindList(kinds, options)).toMatchFileSnapshot('__golden__/kinds.txt');
});

test.each(kinds.map((one) => one.kind))('explain %s', async (name) => {
  await expect(kindPage(kind(name), false, options)).toMatchFileSnapshot(`__golden__/${name}.txt`);
});

test('explain Secret --all', async () => {
  await expect(kindPage(kind('Secret'), true, options)).toMatchFileSnapshot('__golden__/Secret-all.txt');
});

test('a field with variants, and its subfields', async () => {
  await expect(fieldPage(kind('AlertChannel'), 'send', options)).toMatchFileSnapshot(
    '__golden__/AlertChannel-send.txt',
  );
});

test('a narrow terminal gets shorter lines', () => {
  const text = fieldPage(kind('Secret'), 'spec.data', { style: plainStyle, columns: 50 });
  const prose = text.split('\n').filter((line) => line.startsWith('      '));
  expect(Math.max(...prose.map((line) => line.length))).toBeLessThanOrEqual(50);
});
