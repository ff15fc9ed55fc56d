/** Entity rows: rows of a request, each with its event time. */
import { DaisError } from '@dais/api';
import { type ValueType } from '@dais/api/data';
import type { InlineTable } from '#engines/query/contract.ts';
import type { Column, ColumnType } from '#engines/query/model/column-type.ts';
import type { LiteralValue } from '#engines/query/model/query-tree.ts';
import { column, scan } from '#engines/query/model/build.ts';
import type { Selection } from '../definitions/compiled.ts';
import { readColumn, rowCount, type Columns } from '../online/entity-columns.ts';
import type { Value } from '../values/cells.ts';
import type { EntityRows } from './history-plan.ts';

const TABLE = 'entity_rows';
/** The position of each row, which restores the order of the request. */
export const POSITION = '\u0001place';

/** Reads entity rows. @throws DaisError `invalid_request` with column and row */
export function readEntityRows(
  selection: Selection,
  entities: Columns,
  time: string,
): {
  readonly entityRows: EntityRows;
  readonly table: Readonly<Record<string, InlineTable>>;
  readonly types: ReadonlyMap<string, ColumnType>;
} {
  const count = rowCount(entities, 'entities');
  const keyTypes = new Map<string, ValueType>(
    selection.stored.flatMap(({ view, keys }) =>
      view.keys.map(({ name, type }) => [keys.get(name) ?? name, type] as const),
    ),
  );
  for (const { name, type } of selection.request) keyTypes.set(name, type);
  const missing = [...keyTypes.keys(), time].find((name) => !Object.hasOwn(entities, name));
  if (missing !== undefined) {
    const what = missing === time ? 'the event time of each row' : `a ${keyTypes.get(missing)}`;
    throw new DaisError('invalid_request', `Column "${missing}" of entities is missing: ${what}.`);
  }
  const columns = Object.keys(entities).map((name) => {
    const type = name === time ? 'timestamp' : (keyTypes.get(name) ?? guessType(entities[name] ?? []));
    return { name, type, values: readColumn(entities, name, type, 'entities') };
  });
  const table: InlineTable = {
    columns: [
      { name: POSITION, type: 'int64' },
      ...columns.map(({ name, type }) => ({ name, type: engineType(type) }) satisfies Column),
    ],
    rows: Array.from({ length: count }, (_, row): LiteralValue[] => [
      row,
      ...columns.map(({ values, type }) => literalOf(type, values[row] ?? null)),
    ]),
  };
  const names = columns.map(({ name }) => name);
  return {
    entityRows: { relation: scan(TABLE), columns: [POSITION, ...names], time },
    table: { [TABLE]: table },
    types: new Map(columns.map(({ name, type }) => [name, engineType(type)])),
  };
}

/** In the order of the request. */
export const byPosition = [{ expression: column(POSITION) }];

function engineType(type: ValueType): ColumnType {
  return type === 'json' ? 'string' : type;
}

function literalOf(type: ValueType, value: Value): LiteralValue {
  return type === 'json' && value !== null ? JSON.stringify(value) : (value as LiteralValue);
}

/** Infers the type of a column that no view declares. */
function guessType(values: readonly unknown[]): ValueType {
  const given = values.filter((value) => value !== null && value !== undefined);
  const all = (type: string) => given.length > 0 && given.every((value) => typeof value === type);
  if (all('boolean')) return 'boolean';
  if (all('number')) return given.every((value) => Number.isSafeInteger(value)) ? 'int64' : 'float64';
  return all('string') || given.length === 0 ? 'string' : 'json';
}
