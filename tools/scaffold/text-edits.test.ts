import { expect, test } from 'vitest';
import { addImport, addToList } from './text-edits.ts';

const text = `import { a } from '#kinds/a.ts';
import { c } from '#kinds/c.ts';

export const all = [a, c] as const;
export const typed: readonly string[] = [
  'x', // why
];
`;

test('an import is inserted in the order of its module, once', () => {
  const line = `import { b } from '#kinds/b.ts';`;
  const edited = addImport(text, line);
  expect(edited.split('\n').slice(0, 3)).toEqual([
    `import { a } from '#kinds/a.ts';`,
    line,
    `import { c } from '#kinds/c.ts';`,
  ]);
  expect(addImport(edited, line)).toBe(edited);
  expect(addImport(text, `import { z } from '#z.ts';`).split('\n')[2]).toBe(`import { z } from '#z.ts';`);
});

test('the first import of a file is inserted first', () => {
  expect(addImport(text, `import { first } from '#api.ts';`).split('\n')[0]).toBe(`import { first } from '#api.ts';`);
});

test('a list gets an item at its end, once', () => {
  expect(addToList(text, 'all', 'd')).toContain('all = [a, c, d] as const');
  expect(addToList(text, 'all', 'c')).toBe(text);
  expect(addToList('const none: readonly A[] = [];', 'none', 'd')).toBe('const none: readonly A[] = [d];');
  expect(() => addToList(text, 'missing', 'd')).toThrow('there is no list "missing"');
});
