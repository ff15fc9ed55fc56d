import { describe, expect, test } from 'vitest';
import { RowSlots } from './row-slots.ts';

describe('the element slots of rows', () => {
  test('stay with a row that stays visible, at any position', () => {
    const slots = new RowSlots();
    expect(slots.of(['a', 'b', 'c'])).toEqual([0, 1, 2]);
    expect(slots.of(['b', 'c', 'd'])).toEqual([1, 2, 3]);
    expect(slots.of(['new', 'd', 'b'])).toEqual([4, 3, 1]);
    expect(slots.leaps).toBe(0);
  });

  test('are reused where no row stays visible, and are as many as needed', () => {
    const slots = new RowSlots();
    slots.of(['a', 'b', 'c']);
    expect(slots.of(['x', 'y'])).toEqual([0, 1]);
    expect(slots.of(['p', 'q', 'r', 's'])).toEqual([0, 1, 3, 4]);
    expect(slots.leaps).toBe(2);
  });

  test('are the same for a repeated request', () => {
    const slots = new RowSlots();
    slots.of(['a', 'b']);
    expect(slots.of(['x', 'y'])).toEqual(slots.of(['x', 'y']));
    expect(slots.leaps).toBe(1);
    expect(slots.of([])).toEqual([]);
    expect(slots.of(['x'])).toEqual([2]);
  });
});
