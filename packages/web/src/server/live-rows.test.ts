import type { Resource, WatchEvent } from '@dais/api';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareNames, patchRows, type LiveRows } from './live-rows.ts';

function resource(name: string, version = '1'): Resource {
  const metadata = {
    uid: `uid-${name}`,
    name,
    labels: {},
    annotations: {},
    origin: 'manifest',
    generation: 1,
    resourceVersion: version,
    createdAt: '2026-11-25T00:00:00Z',
    updatedAt: '2026-11-25T00:00:00Z',
  };
  return { apiVersion: 'dais.dev/v1', kind: 'Secret', metadata, spec: {}, status: {} };
}

const rowsOf = (...names: string[]): LiveRows => ({
  rows: names.map((name) => resource(name)),
  complete: true,
  from: { resourceVersion: '1' },
});

const event = (type: 'added' | 'modified' | 'deleted', object: Resource): WatchEvent<Resource> => ({
  type,
  resourceVersion: '9',
  object,
});

test('unchanged rows stay the same object', () => {
  const before = rowsOf('a', 'b', 'c');
  const after = patchRows(before, [event('modified', resource('b', '2')), event('modified', resource('c', '1'))]);
  expect(after.rows[0]).toBe(before.rows[0]);
  expect(after.rows[1]?.metadata.resourceVersion).toBe('2');
  expect(after.rows[2]).toBe(before.rows[2]);
});

test('a bookmark changes nothing', () => {
  const before = rowsOf('a');
  expect(patchRows(before, [{ type: 'bookmark', resourceVersion: '9' }])).toBe(before);
});

test('any order of events results in the last state of each name, sorted by name', () => {
  const names = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const events = fc.array(fc.tuple(names, fc.constantFrom('added', 'modified', 'deleted'), fc.nat(9)));
  fc.assert(
    fc.property(fc.uniqueArray(names), events, (start, changes) => {
      const model = new Map(start.map((name) => [name, '1']));
      for (const [name, type, version] of changes) {
        if (type === 'deleted') model.delete(name);
        else model.set(name, String(version));
      }
      const patched = patchRows(
        rowsOf(...start.toSorted(compareNames)),
        changes.map(([name, type, version]) => event(type, resource(name, String(version)))),
      );
      expect(patched.rows.map(({ metadata }) => [metadata.name, metadata.resourceVersion])).toEqual(
        [...model].toSorted(([a], [b]) => compareNames(a, b)),
      );
    }),
  );
});
