import { expect, test } from 'vitest';
import { columnsOf, shapeOf } from './iceberg-schema.ts';
import { chosenSnapshot } from './iceberg-table.ts';
import { FIRST, metadata, named, schema, SECOND, TABLE } from './iceberg-metadata.testing.ts';
import { refusal } from '../refusal.testing.ts';

function evolved(before: readonly object[], now: readonly object[], file = FIRST) {
  const table = metadata({
    'current-schema-id': 1,
    schemas: [schema(0, ...before), schema(1, ...now)],
    snapshots: [
      { 'snapshot-id': '@1', 'schema-id': 0, 'manifest-list': 'x' },
      { 'snapshot-id': '@2', 'schema-id': 1, 'manifest-list': 'x' },
    ],
  });
  const files = [{ path: 'a', snapshot: file, sequence: 1, partition: undefined }];
  return columnsOf(TABLE, table, chosenSnapshot(TABLE, table, undefined), files);
}

const by = (...input: Parameters<typeof evolved>) => evolved(...input).by;
const a = named(1, 'a');

test('finds columns by field id if their names differ in older files', () => {
  expect(by([a], [named(1, 'b')])).toBe('number');
  expect(by([a], [named(2, 'a')])).toBe('number');
  expect(by([a], [a, named(2, 'b', { 'initial-default': 'x' })])).toBe('number');
  expect(by([a, named(2, 'b')], [named(1, 'b'), named(2, 'a')])).toBe('number');
  // An expired snapshot: the schema of its files is unknown.
  expect(by([a], [named(1, 'b')], '7')).toBe('number');
  // Nested fields of a renamed column keep their names.
  const inside = (name: string) => named(1, name, { type: { type: 'struct', fields: [named(2, 'x')] } });
  expect(by([inside('s')], [inside('t')])).toBe('number');
});

test('finds columns by name if no name changed, and in files of the current schema', () => {
  expect(by([a], [a, named(2, 'b')])).toBe('name');
  expect(by([a, named(2, 'b')], [a])).toBe('name');
  expect(by([a], [named(1, 'a', { type: 'long' })])).toBe('name');
  expect(by([a], [named(1, 'b')], SECOND)).toBe('name');
});

test('rejects renamed nested columns', () => {
  const inside = (name: string, number = 2, more = {}) =>
    named(1, 's', { type: { type: 'struct', fields: [named(number, name, more)] } });
  expect(refusal(() => evolved([inside('a')], [inside('b')]))).toMatch(
    /^invalid_state: .*the nested column s\.b has the name s\.a.*Rewrite/,
  );
  expect(refusal(() => evolved([inside('a')], [inside('a', 3)]))).toContain('s.a is a different column');
  const filled = inside('b', 3, { 'initial-default': 'x' });
  expect(refusal(() => evolved([inside('a')], [filled]))).toContain('without the nested column s.b');
  const listed = (name: string) => ({ type: 'list', 'element-id': 3, element: inside(name).type });
  expect(
    refusal(() => evolved([named(1, 'l', { type: listed('a') })], [named(1, 'l', { type: listed('b') })])),
  ).toContain('l[].b');
});

test('returns the columns of a table by name and by field id', () => {
  const fields = [
    named(1, 'a', { type: 'long' }),
    named(2, 'b', { type: 'decimal(9, 2)', 'initial-default': '1.50' }),
    named(3, 'c', { type: { type: 'list', 'element-id': 4, element: 'timestamptz' } }),
    named(5, 'd', { type: 'fixed[4]', 'initial-default': '00ff' }),
    named(6, 'e', { type: 'string', 'initial-default': '' }),
    named(7, 'f', { type: { type: 'map', key: 'uuid', value: { type: 'struct', fields: [named(8, 'x y')] } } }),
  ] as never;
  expect(shapeOf(TABLE, { fields, by: 'number' })).toEqual([
    { name: 'a', type: 'int64', from: { field: 1 } },
    { name: 'b', type: 'decimal(9,2)', from: { field: 2, otherwise: '1.5' } },
    { name: 'c', type: 'list<timestamp>', from: { field: 3 } },
    { name: 'd', type: 'binary', from: { field: 5, otherwise: 'AP8=' } },
    { name: 'e', type: 'string', from: { field: 6, otherwise: '' } },
    { name: 'f', type: 'map<string,struct<"x y":string>>', from: { field: 7 } },
  ]);
  expect(shapeOf(TABLE, { fields, by: 'name' })[1]).toEqual({ name: 'b', type: 'decimal(9,2)', from: { column: 'b' } });
});

test('reports an invalid schema', () => {
  for (const fields of [undefined, [null], [{ name: 'x' }], []]) {
    const broken = named(1, 's', { type: { type: 'struct', fields } });
    expect(refusal(() => evolved([a], [broken]))).toMatch(/^upstream_failed: /);
    expect(refusal(() => shapeOf(TABLE, { fields: [broken] as never, by: 'name' }))).toMatch(/^upstream_failed: /);
  }
});

const deep = (levels: number): unknown => (levels === 0 ? 'int' : { type: 'list', element: deep(levels - 1) });

test.each([
  ['an unknown type', { type: 'variant' }, 'column v of type variant'],
  ['types too deep', { type: deep(40) }, 'too deeply nested types'],
  ['an invalid default', { type: 'int', 'initial-default': 'one' }, 'an unsupported default value'],
  ['a default of a list', { type: deep(1), 'initial-default': [1] }, 'an unsupported default value'],
])('rejects %s', (_, more, words) => {
  const message = refusal(() => shapeOf(TABLE, { fields: [named(1, 'v', more)] as never, by: 'number' }));
  expect(message).toMatch(/^invalid_state: /);
  expect(message).toContain(words);
});
