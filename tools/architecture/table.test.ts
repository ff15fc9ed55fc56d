import { expect, test } from 'vitest';
import { arrowTable, withTable } from './table.ts';

const BEGIN = '<!-- arrows:begin -->';

test('the table is written between the markers only', () => {
  const document = withTable(`# A\n\n${BEGIN}\nold\n<!-- arrows:end -->\n\nafter\n`);
  expect(document).toBe(`# A\n\n${BEGIN}\n\n${arrowTable()}\n\n<!-- arrows:end -->\n\nafter\n`);
  expect(withTable(document)).toBe(document);
  expect(arrowTable()).toContain('| `lib` ');
});

test('a document without markers is refused', () => {
  expect(() => withTable('# A')).toThrow('has lost its markers');
});
