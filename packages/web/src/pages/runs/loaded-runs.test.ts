import type { Run } from '@dais/api/tracking';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { insertRuns, replaceRuns, type RunsPage } from './loaded-runs.ts';

const run = (id: string, startedAt: number) => ({ id, startedAt }) as Run;
const last = (...items: Run[]): RunsPage => ({ items, next: undefined });
const idsOf = (pages: readonly RunsPage[]) => pages.flatMap(({ items }) => items.map(({ id }) => id));

test('unchanged runs stay the same object', () => {
  const pages = [last(run('a', 2)), last(run('b', 1))];
  const after = replaceRuns(pages, [run('b', 1)]);
  expect(after[0]).toBe(pages[0]);
  expect(after[1]).not.toBe(pages[1]);
});

test("new runs are inserted in the server's order", () => {
  const runs = fc.uniqueArray(fc.record({ id: fc.stringMatching(/^[a-f]{3}$/), startedAt: fc.nat(5) }), {
    selector: ({ id }) => id,
  });
  const order = (a: Run, b: Run) => b.startedAt - a.startedAt || (a.id < b.id ? -1 : 1);
  fc.assert(
    fc.property(runs, fc.nat(10), (all, split) => {
      const [there, fresh] = [all.slice(0, split) as Run[], all.slice(split) as Run[]];
      const pages = [last(...there.toSorted(order))];
      expect(idsOf(insertRuns(pages, [...fresh, ...there]))).toEqual(
        (all as Run[]).toSorted(order).map(({ id }) => id),
      );
    }),
  );
});

test('runs older than all loaded ones come with a later page', () => {
  const pages = [{ items: [run('a', 5)], next: { at: 0, cursor: 'x' } }];
  expect(insertRuns(pages, [run('b', 1)])).toEqual(pages);
});
