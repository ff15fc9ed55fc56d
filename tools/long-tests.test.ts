import { describe, expect, test } from 'vitest';
import { chooseLongTests, matchesGlob, nearestImport } from './long-tests.mjs';

const SOURCES: Readonly<Record<string, string>> = {
  'packages/server/src/a/long.full.test.ts': `import { a } from './a.ts'; import { expect } from 'vitest';`,
  'packages/server/src/a/a.ts': `import type { B } from '#b/index.ts'; const late = await import("./late.ts");`,
  'packages/server/src/a/late.ts': `new Worker(new URL('../thread.ts', import.meta.url)); import { x } from '@dais/api/filter';`,
  'packages/server/src/thread.ts': `import '#a/a.ts';`,
  'packages/server/src/b/index.ts': `export { run } from '@dais/api';`,
  'packages/server/src/other.ts': `import './a/a.ts';`,
  'packages/api/src/index.ts': '',
  'packages/api/src/filter/index.ts': '',
};
const read = (file: string) => SOURCES[file];
const LONG = 'packages/server/src/a/long.full.test.ts';

describe('imports', () => {
  test.each([
    ['packages/server/src/a/a.ts', 1],
    ['packages/server/src/b/index.ts', 2],
    ['packages/server/src/a/late.ts', 2],
    ['packages/server/src/thread.ts', 3],
    ['packages/api/src/filter/index.ts', 3],
    ['packages/api/src/index.ts', 3],
  ])('reach %s after %i', (changed, hops) => {
    expect(nearestImport(LONG, new Set([changed]), read)).toEqual({ reason: `it imports ${changed}`, hops });
  });

  test('do not reach a file that imports the same ones, nor a cycle without end', () => {
    expect(nearestImport(LONG, new Set(['packages/server/src/other.ts', 'README.md']), read)).toBeUndefined();
  });
});

test.each([
  ['packages/server/src/policy/**', 'packages/server/src/policy/cedar/x.ts', true],
  ['packages/server/src/policy/**', 'packages/server/src/policy.ts', false],
  ['packages/server/src/*.ts', 'packages/server/src/up.ts', true],
  ['packages/server/src/*.ts', 'packages/server/src/http/up.ts', false],
  ['a.ts', 'abts', false],
])('the glob %s: does it match %s? %s', (glob, path, matches) => {
  expect(matchesGlob(path, glob)).toBe(matches);
});

describe('the choice', () => {
  const list = {
    limitSeconds: 100,
    tests: {
      [LONG]: { seconds: 30, when: 'imports' as const },
      'b.full.test.ts': { seconds: 60, when: ['packages/server/src/b/**'] },
      'd.full.test.ts': { seconds: 1, when: ['deploy/**'], needs: 'kubernetes' as const },
      'c.full.test.ts': { seconds: 50, when: ['packages/web/**', 'packages/server/src/b/*'] },
    },
  };

  test('names a test whose programs are not built instead of choosing it', () => {
    const changed = ['deploy/a.yaml'];
    expect(chooseLongTests(list, changed, read, () => false)).toMatchObject({ chosen: [], unbuilt: [{ seconds: 1 }] });
    expect(chooseLongTests(list, changed, read, () => true)).toMatchObject({ chosen: [{ seconds: 1 }], unbuilt: [] });
    const { chosen } = chooseLongTests(list, changed, read, (programs) => programs === 'kubernetes');
    expect(chosen).toHaveLength(1);
  });

  test('names the tests that a change affects, and why', () => {
    expect(chooseLongTests(list, ['packages/web/src/app.tsx'], read, () => true)).toEqual({
      chosen: [{ file: 'c.full.test.ts', reason: 'packages/web/src/app.tsx changed', hops: 1, seconds: 50 }],
      left: [],
      unbuilt: [],
    });
    expect(chooseLongTests(list, ['README.md'], read, () => true)).toEqual({ chosen: [], left: [], unbuilt: [] });
    expect(chooseLongTests(list, ['b.full.test.ts'], read, () => true).chosen).toMatchObject([
      { reason: 'it changed' },
    ]);
  });

  test('takes the nearest tests within the limit of seconds, and names the others', () => {
    const { chosen, left } = chooseLongTests(list, ['packages/server/src/b/index.ts'], read, () => true);
    expect(chosen.map(({ file }) => file)).toEqual(['c.full.test.ts', LONG]);
    expect(left.map(({ file }) => file)).toEqual(['b.full.test.ts']);
  });
});
