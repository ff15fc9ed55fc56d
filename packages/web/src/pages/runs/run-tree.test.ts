import type { Run } from '@dais/api/tracking';
import { parseFilter, runFilter } from '@dais/api/filter';
import { describe, expect, test } from 'vitest';
import { isNote, isRun, type RunRow } from './run-groups.ts';
import { canNest, childrenFilter, onTop, positionIn, treeOf, type Children } from './run-tree.ts';
import { runQuery } from './run-query.ts';

const run = (id: string, children = 0) => ({ id, name: id, children }) as unknown as Run;
const of = (...runs: readonly Run[]): Children => ({ runs, failed: false, more: false });
const idsOf = (rows: readonly RunRow[]) =>
  rows.map((row) => (isNote(row) ? `${row.childrenOf} ${row.state}` : isRun(row) ? row.id : row.group));

describe('nested runs', () => {
  test('the query of children is a filter of the grammar', () => {
    expect(parseFilter(runFilter, onTop(runQuery({})).filter)).toHaveLength(1);
    expect(parseFilter(runFilter, childrenFilter("it's"))[0]).toMatchObject({ operator: '=', value: "it's" });
    expect(canNest(runQuery({ sort: 'status' }))).toBe(true);
    expect(canNest(runQuery({ filter: 'metrics.a > 1' }))).toBe(false);
    expect(canNest(runQuery({ group: 'status' }))).toBe(false);
  });

  test('an expanded run is followed by its children, and these by theirs', () => {
    const top = [run('a', 2), run('b')];
    expect(treeOf(top, new Map()).rows).toBe(top);
    const tree = treeOf(
      top,
      new Map([
        ['a', of(run('a1', 1), run('a2'))],
        ['a1', of(run('deep'))],
      ]),
    );
    expect(idsOf(tree.rows)).toEqual(['a', 'a1', 'deep', 'a2', 'b']);
    expect(Object.fromEntries(tree.levels)).toEqual({ a: 1, a1: 2, deep: 3, a2: 2, b: 1 });
    expect(positionIn(tree, new Set(['a', 'a1']), top[0]!)).toEqual({ level: 1, open: true });
    expect(positionIn(tree, new Set(), run('a1', 1))).toEqual({ level: 2, open: false });
    expect(positionIn(tree, new Set(), run('deep'))).toEqual({ level: 3, open: undefined });
  });

  test('children that are loading or incomplete have a note', () => {
    const tree = treeOf(
      [run('a', 9), run('b', 1), run('c', 1)],
      new Map<string, Children>([
        ['a', { runs: [run('a1')], failed: false, more: true }],
        ['b', { runs: undefined, failed: false, more: false }],
        ['c', { runs: undefined, failed: true, more: false }],
      ]),
    );
    expect(idsOf(tree.rows)).toEqual(['a', 'a1', 'a more', 'b', 'b loading', 'c', 'c failed']);
  });

  test('a cycle is visited once', () => {
    const tree = treeOf(
      [run('a', 1)],
      new Map([
        ['a', of(run('b', 1))],
        ['b', of(run('a', 1))],
      ]),
    );
    expect(idsOf(tree.rows)).toEqual(['a', 'b']);
  });
});
