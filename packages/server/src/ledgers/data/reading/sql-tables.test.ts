import { expect, test } from 'vitest';
import { namesInSql } from './sql-tables.ts';

test('returns names outside of strings and comments', () => {
  const sql = `select a."x y", 'not this' from "flights@3" f -- nor this
    join other /* nor that */ using (id) where b = $$nor here$$ and c = 'it''s'`;
  const names = namesInSql(sql);
  expect(names).toEqual(expect.arrayContaining(['flights@3', 'other', 'x y', 'f', 'a']));
  for (const word of ['not', 'this', 'nor', 'here', 's']) expect(names).not.toContain(word);
});
