import { expect, test } from 'vitest';
import { parseMarkdown } from './markdown.ts';

const inline = (text: string, mentions: readonly string[] = []) => {
  const [block] = parseMarkdown(text, mentions);
  return block !== undefined && 'content' in block ? block.content : block;
};

test('blocks', () => {
  const text = '# Head\ntext\nmore\n\n- a\n- b\n1. c\n> q\n> r\n```py\n# no head\n```\nend';
  expect(parseMarkdown(text, []).map((block) => [block.type, 'items' in block ? block.items.length : 1])).toEqual([
    ['heading', 1],
    ['paragraph', 1],
    ['list', 3],
    ['quote', 1],
    ['code', 1],
    ['paragraph', 1],
  ]);
  expect(parseMarkdown('```\nnever closed', [])).toEqual([{ type: 'code', text: 'never closed' }]);
  expect(parseMarkdown('', [])).toEqual([]);
});

test('forms inside a line', () => {
  expect(inline('a **b `c`** _d_ `**e**`')).toEqual([
    { type: 'text', text: 'a ' },
    {
      type: 'strong',
      content: [
        { type: 'text', text: 'b ' },
        { type: 'code', text: 'c' },
      ],
    },
    { type: 'text', text: ' ' },
    { type: 'emphasis', content: [{ type: 'text', text: 'd' }] },
    { type: 'text', text: ' ' },
    { type: 'code', text: '**e**' },
  ]);
  expect(inline('see [it](https://a.example/b), https://c.example/d. (https://e.example)')).toEqual([
    { type: 'text', text: 'see ' },
    { type: 'link', address: 'https://a.example/b', text: 'it' },
    { type: 'text', text: ', ' },
    { type: 'link', address: 'https://c.example/d', text: 'https://c.example/d' },
    { type: 'text', text: '. (' },
    { type: 'link', address: 'https://e.example', text: 'https://e.example' },
    { type: 'text', text: ')' },
  ]);
});

test('only users are mentioned', () => {
  expect(inline('@ada. @nobody', ['ada'])).toEqual([
    { type: 'mention', name: 'ada' },
    { type: 'text', text: '. @nobody' },
  ]);
});

test.each(['[x](javascript:alert(1))', '<script>alert(1)</script>', '![x](data:text/html,x)', 'snake_case_name'])(
  '%s stays text',
  (text) => {
    expect(inline(text)).toEqual([{ type: 'text', text }]);
  },
);
