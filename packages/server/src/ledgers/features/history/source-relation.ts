/** The rows of a view's source, with the names and types of the view. */
import { DaisError } from '@dais/api';
import { type ValueType } from '@dais/api/data';
import { call, cast, column, filter, named, scan } from '#engines/query/model/build.ts';
import type { Expression, Relation } from '#engines/query/model/query-tree.ts';
import type { CompiledFeature, CompiledView } from '../definitions/compiled.ts';

/** Internal column names; the prefix cannot occur in user data. */
export const TIME = '\u0001time';
export const CREATED = '\u0001created';
export const keyColumn = (name: string) => `\u0001key ${name}`;
export const featureColumn = (name: string) => `\u0001feature ${name}`;

/** A reference such as `weather@latest`, which is also the name of the table in a query. */
export function referenceOf({ source }: CompiledView, dataset: string): string {
  return `${dataset}@${source.type === 'dataset' ? source.version : 'latest'}`;
}

/** Returns the Datasets that a view reads. */
export function datasetsOf({ source }: CompiledView): readonly string[] {
  if (source.type === 'dataset') return [source.dataset];
  return source.type === 'sql' ? source.datasets : [];
}

/** Returns the relation of a view. @throws DaisError `invalid_state` for a view whose values are only pushed */
export function sourceRelation(view: CompiledView, features: readonly CompiledFeature[]): Relation {
  const { source, eventTime, createdTime, keys } = view;
  if (eventTime === undefined || (source.type !== 'dataset' && source.type !== 'sql')) {
    throw new DaisError('invalid_state', `FeatureView "${view.name}" has no source. Its values are only pushed.`);
  }
  const from: Relation =
    source.type === 'dataset'
      ? scan(referenceOf(view, source.dataset))
      : {
          type: 'sql',
          dialect: 'duckdb',
          sql: source.sql,
          views: Object.fromEntries(source.datasets.map((dataset) => [dataset, scan(referenceOf(view, dataset))])),
        };
  const timed: Relation = {
    type: 'project',
    from,
    keep: 'none',
    columns: [
      ...keys.map(({ name, type, column: theirs }) => named(keyColumn(name), cast(column(theirs), type))),
      named(TIME, cast(column(eventTime), 'timestamp')),
      ...(createdTime === undefined ? [] : [named(CREATED, cast(column(createdTime), 'timestamp'))]),
      ...features.map(({ name, type, column: theirs }) => named(featureColumn(name), asValue(column(theirs), type))),
    ],
  };
  // Skip rows without a key or event time.
  const known = [...keys.map(({ name }) => keyColumn(name)), TIME].map((name) => call('is-not-null', column(name)));
  return filter(timed, ...known);
}

function asValue(value: Expression, type: ValueType): Expression {
  return type === 'json' ? value : cast(value, type);
}
