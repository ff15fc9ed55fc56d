import { expect, test } from 'vitest';
import { steadyView } from './steady-rows.ts';

interface Row {
  readonly name: string;
  readonly value: number;
}
const row = (name: string, value = 1): Row => ({ name, value });
const keyOf = ({ name }: Row) => name;

test('without a pointer over them, rows are shown as they are', () => {
  const rows = [row('a'), row('b')];
  expect(steadyView(rows, undefined, keyOf)).toEqual({
    shown: rows.map((one) => ({ row: one, gone: false })),
    added: 0,
    gone: 0,
  });
});

test('under the pointer the order stands still, values change in place, what is new waits and what is gone stays', () => {
  const held = [row('b'), row('d')];
  const view = steadyView([row('a'), row('b', 2), row('c')], held, keyOf);
  expect(view.shown).toEqual([
    { row: row('b', 2), gone: false },
    { row: row('d'), gone: true },
  ]);
  expect([view.added, view.gone]).toEqual([2, 1]);
});

test('of rows that grow at their end, those behind the last one are shown; what comes before it waits', () => {
  const held = [row('b'), row('d')];
  const names = (rows: readonly Row[]) => {
    const { shown, added } = steadyView(rows, held, keyOf, true);
    return [shown.map((one) => one.row.name).join(''), added];
  };
  expect(names([row('b'), row('d'), row('e')])).toEqual(['bde', 0]);
  expect(names([row('a'), row('b'), row('d'), row('e')])).toEqual(['bde', 1]);
});
