import { expect, test } from 'vitest';
import { steadyView } from './steady-rows.ts';

interface Row {
  readonly name: string;
  readonly value: number;
}
const row = (name: string, value = 1): Row => ({ name, value });
const keyOf = ({ name }: Row) => name;

test('without a pointer over them, rows are shown unchanged', () => {
  const rows = [row('a'), row('b')];
  expect(steadyView(rows, undefined, keyOf)).toEqual({
    shown: rows.map((one) => ({ row: one, gone: false })),
    added: 0,
    gone: 0,
  });
});

test('under the pointer the order is fixed, values change in place, new rows are held back and removed rows stay', () => {
  const held = [row('b'), row('d')];
  const view = steadyView([row('a'), row('b', 2), row('c')], held, keyOf);
  expect(view.shown).toEqual([
    { row: row('b', 2), gone: false },
    { row: row('d'), gone: true },
  ]);
  expect([view.added, view.gone]).toEqual([2, 1]);
});

test('rows appended at the end are shown; earlier new rows are held back', () => {
  const held = [row('b'), row('d')];
  const names = (rows: readonly Row[]) => {
    const { shown, added } = steadyView(rows, held, keyOf, true);
    return [shown.map((one) => one.row.name).join(''), added];
  };
  expect(names([row('b'), row('d'), row('e')])).toEqual(['bde', 0]);
  expect(names([row('a'), row('b'), row('d'), row('e')])).toEqual(['bde', 1]);
});
