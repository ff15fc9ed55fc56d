import type { FieldChange } from '#operations/platform.ts';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { diffFields } from './diff.ts';

/** Values of a manifest; keys without the characters of paths. */
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constantFrom<unknown>(null, true, false, '', 'a', 'b', 0, 1, 1.5),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c', 'constructor', 'toString'), tie('value'), { noNullPrototype: true }),
  ),
}));

const stepsOf = (path: string): (string | number)[] =>
  [...path.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, key]) =>
    index === undefined ? (key ?? '') : Number(index),
  );

/** Applies the changes of a plan like a reader would. */
function withChanges(before: unknown, changes: readonly FieldChange[]): unknown {
  const root = { all: structuredClone(before) };
  const shrunk = new Set<unknown[]>();
  for (const change of changes) {
    const steps = ['all', ...stepsOf(change.path)];
    let here = root as Record<string | number, unknown>;
    for (const step of steps.slice(0, -1)) here = here[step] as typeof here;
    const last = steps.at(-1)!;
    if ('after' in change) {
      Object.defineProperty(here, last, { value: change.after, writable: true, enumerable: true, configurable: true });
    } else if (Array.isArray(here)) shrunk.add(here);
    else delete here[last];
  }
  // Removed entries are always the last ones of their list.
  for (const list of shrunk) {
    const removed = changes.filter((change) => !('after' in change) && at(root.all, change.path) === list).length;
    list.length -= removed;
  }
  return root.all;
}

/** The list or map that contains the last step of a path. */
function at(root: unknown, path: string): unknown {
  return stepsOf(path)
    .slice(0, -1)
    .reduce<unknown>((here, step) => (here as Record<string | number, unknown> | undefined)?.[step], root);
}

describe('diff of any two values', () => {
  test('a value has no difference from itself', () => {
    fc.assert(
      fc.property(value, (one) => {
        expect(diffFields(one, structuredClone(one))).toEqual([]);
      }),
    );
  });

  test('the changes, applied to the first value, result in the second', () => {
    fc.assert(
      fc.property(value, value, (before, after) => {
        expect(withChanges(before, diffFields(before, after))).toEqual(after);
      }),
      { numRuns: 500 },
    );
  });

  test('both directions have the same changes with swapped sides', () => {
    const swapped = ({ path, before, after }: FieldChange): FieldChange => ({
      path,
      ...(after !== undefined && { before: after }),
      ...(before !== undefined && { after: before }),
    });
    const sorted = (changes: readonly FieldChange[]) => changes.toSorted((a, b) => (a.path < b.path ? -1 : 1));
    fc.assert(
      fc.property(value, value, (one, two) => {
        expect(sorted(diffFields(two, one).map(swapped))).toEqual(sorted(diffFields(one, two)));
      }),
    );
  });

  test('each change has a unique path and two different sides', () => {
    fc.assert(
      fc.property(value, value, (before, after) => {
        const changes = diffFields(before, after, ['spec']);
        expect(new Set(changes.map((change) => change.path)).size).toBe(changes.length);
        for (const change of changes) {
          expect(change.path).toMatch(/^spec/);
          expect(change.before).not.toEqual(change.after);
        }
      }),
    );
  });
});

test.each<[string, unknown, unknown, FieldChange[]]>([
  ['an added field', { a: 1 }, { a: 1, b: 2 }, [{ path: 'b', after: 2 }]],
  ['a removed field', { a: 1, b: 2 }, { a: 1 }, [{ path: 'b', before: 2 }]],
  ['a field set to null', { a: 1 }, { a: null }, [{ path: 'a', before: 1, after: null }]],
  ['null removed', { a: null }, {}, [{ path: 'a', before: null }]],
  ['a list that grew', { a: [1] }, { a: [1, 2] }, [{ path: 'a[1]', after: 2 }]],
  [
    'a list that moved',
    { a: [1, 2] },
    { a: [2] },
    [
      { path: 'a[0]', before: 1, after: 2 },
      { path: 'a[1]', before: 2 },
    ],
  ],
  ['a map for a list', { a: [] }, { a: {} }, [{ path: 'a', before: [], after: {} }]],
  ['the order of keys is no difference', { a: 1, b: 2 }, { b: 2, a: 1 }, []],
  ['nor is the sign of zero', { a: 0 }, { a: -0 }, []],
  ['1 and "1" differ', { a: 1 }, { a: '1' }, [{ path: 'a', before: 1, after: '1' }]],
])('%s', (_name, before, after, want) => {
  expect(diffFields(before, after)).toEqual(want);
});
