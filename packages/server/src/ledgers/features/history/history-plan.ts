/**
 * The point-in-time join of features with entity rows. For each entity row and view, it selects the newest source row with equal
 * keys and ttl ≥ age ≥ 0, both limits included. Of two rows with the same event time, it selects the one that was
 * created later.
 */
import { DaisError } from '@dais/api';
import { call, cast, column, filter, literal, named } from '#engines/query/model/build.ts';
import type { Expression, NamedExpression, Relation } from '#engines/query/model/query-tree.ts';
import type { CompiledView, SelectedView, Selection } from '../definitions/compiled.ts';
import { findColumn } from '../definitions/on-demand-columns.ts';
import { outputNames } from '../definitions/output-names.ts';
import { inputsOf } from '../on-demand/evaluate.ts';
import { renderExpression, renderResult } from '../on-demand/render.ts';
import { formatCell } from '../values/moment.ts';
import { CREATED, featureColumn, keyColumn, sourceRelation, TIME } from './source-relation.ts';

/** Entity rows with event times. */
export interface EntityRows {
  readonly relation: Relation;
  /** All columns, in order. */
  readonly columns: readonly string[];
  /** The column of the event time, a timestamp. */
  readonly time: string;
}

export interface HistoryOptions {
  readonly fullNames: boolean;
  /** Excludes rows that were created after the event time, if the view has a creation time. */
  readonly createdCutoff: boolean;
  /** Whether the source of a view is known to have one row per key and time. */
  readonly unique: (view: CompiledView) => boolean;
  /** Adds a column per view with the event time of the matched row: `timeOf(as)`. */
  readonly times?: boolean;
}

/** Returns the name of the column with the event time of the matched row. */
export const timeOf = (as: string) => `\u0001${as}\u0001`;

/** Columns of the entity rows, then features under their output names. */
export function historyPlan(selection: Selection, entityRows: EntityRows, options: HistoryOptions): Relation {
  const outputs = outputNames(selection, options.fullNames, entityRows.columns);
  const inner = (as: string, feature: string) => `\u0001${as}\u0001${feature}`;
  const moment = '\u0001asked';
  let relation: Relation = {
    type: 'project',
    from: entityRows.relation,
    keep: 'all',
    columns: [
      named(moment, cast(column(entityRows.time), 'timestamp')),
      ...joinKeyColumns(selection.stored).map(({ name, type }) =>
        named(keyColumn(`${name} ${type}`), cast(column(name), type)),
      ),
    ],
  };
  for (const selected of selection.stored) {
    relation = joinView(relation, selected, moment, inner, options);
  }
  for (const selected of selection.onDemand) {
    relation = { type: 'project', from: relation, keep: 'all', columns: onDemandColumns(selected, selection, inner) };
  }
  return {
    type: 'project',
    from: relation,
    keep: 'none',
    columns: [
      ...entityRows.columns.map((name) => named(name, column(name))),
      ...outputs.map(({ name, from, feature }) => named(name, column(inner(from.as, feature.name)))),
      ...(options.times === true ? selection.stored.map(({ as }) => named(timeOf(as), column(timeOf(as)))) : []),
    ],
  };
}

/** Returns the join key columns with the types of the views. */
function joinKeyColumns(stored: readonly SelectedView[]) {
  const seen = new Map<string, { name: string; type: SelectedView['view']['keys'][number]['type'] }>();
  for (const { view, keys } of stored) {
    for (const { name, type } of view.keys) {
      const requested = keys.get(name) ?? name;
      seen.set(`${requested} ${type}`, { name: requested, type });
    }
  }
  return [...seen.values()];
}

function joinView(
  left: Relation,
  { as, view, features, keys }: SelectedView,
  moment: string,
  inner: (as: string, feature: string) => string,
  { createdCutoff, unique, times }: HistoryOptions,
): Relation {
  const created = view.createdTime !== undefined;
  const once = unique(view);
  return {
    type: 'asof',
    left,
    right: sourceRelation(view, features),
    keys: view.keys.map(({ name, type }) => ({
      left: keyColumn(`${keys.get(name) ?? name} ${type}`),
      right: keyColumn(name),
    })),
    time: { left: moment, right: TIME },
    ...(view.ttlUs > 0 && { ttlUs: view.ttlUs }),
    ...(created && !once && { tieBreak: CREATED }),
    ...(created && createdCutoff && { cutoff: CREATED }),
    ...(once && { unique: true }),
    take: [
      ...features.map(({ name }) => ({ column: featureColumn(name), as: inner(as, name) })),
      ...(times === true ? [{ column: TIME, as: timeOf(as) }] : []),
    ],
  };
}

function onDemandColumns(
  selected: SelectedView,
  { stored, onDemand }: Selection,
  inner: (as: string, feature: string) => string,
): NamedExpression[] {
  const { source } = selected.view;
  if (source.type !== 'onDemand') return [];
  const inputs = inputsOf(selected, [...stored, ...onDemand]);
  return selected.view.features.flatMap(({ name, type, expression }) => {
    if (expression === undefined) return [];
    const rendered = renderExpression(expression, (reference) => {
      const columnInput = findColumn(reference, source.request, inputs);
      if (typeof columnInput === 'string')
        throw new DaisError('invalid_state', `${selected.view.name}: ${columnInput}.`);
      return {
        column: columnInput.of === 'request' ? columnInput.name : inner(columnInput.as, columnInput.name),
        type: columnInput.type,
      };
    });
    return [named(inner(selected.as, name), renderResult(type, rendered))];
  });
}

/**
 * Returns entity rows for a request without them: each key of a view at each of its event times within
 * [start, end]. @throws DaisError `invalid_request` if views have different keys
 */
export function generateEntityRows(
  { stored }: Selection,
  {
    start,
    end,
    time,
  }: {
    readonly start: number | undefined;
    readonly end: number | undefined;
    readonly time: string;
  },
): EntityRows {
  const keysOf = ({ view, keys }: SelectedView) => view.keys.map(({ name }) => keys.get(name) ?? name).toSorted();
  const [first, ...others] = stored.filter(({ hidden }) => !hidden);
  const names = first === undefined ? [] : keysOf(first);
  const different = others.find((one) => keysOf(one).join('\n') !== names.join('\n'));
  if (first === undefined || different !== undefined) {
    const why = different === undefined ? '' : `: "${first?.as}" and "${different.as}" have different join keys`;
    throw new DaisError('invalid_request', `\`entities\` is required to determine the rows${why}.`);
  }
  const parts = [first, ...others].map(({ view, keys }): Relation => {
    const rows = sourceRelation(view, []);
    const within: Expression[] = [
      ...(start === undefined ? [] : [call('>=', column(TIME), literal(formatCell(start), 'timestamp'))]),
      ...(end === undefined ? [] : [call('<=', column(TIME), literal(formatCell(end), 'timestamp'))]),
    ];
    return {
      type: 'project',
      from: within.length === 0 ? rows : filter(rows, ...within),
      keep: 'none',
      columns: [
        ...view.keys.map(({ name }) => named(keys.get(name) ?? name, column(keyColumn(name)))),
        named(time, column(TIME)),
      ],
    };
  });
  const [only, ...rest] = parts;
  const all: Relation = rest.length === 0 && only !== undefined ? only : { type: 'union', of: parts };
  return { relation: { type: 'distinct', from: all }, columns: [...names, time], time };
}

/** Returns the newest row of each key within [start, end], sorted by key, so that results are repeatable. */
export function latestPlan(
  view: CompiledView,
  { start, end }: { readonly start: number | undefined; readonly end: number },
): Relation {
  const rows = filter(
    sourceRelation(view, view.features),
    call('<=', column(TIME), literal(formatCell(end), 'timestamp')),
    ...(start === undefined ? [] : [call('>=', column(TIME), literal(formatCell(start), 'timestamp'))]),
  );
  const keys = view.keys.map(({ name }) => keyColumn(name));
  const order = [TIME, ...(view.createdTime === undefined ? [] : [CREATED])];
  const latest: Relation = {
    type: 'latest',
    from: rows,
    by: keys,
    order: order.map((name) => ({ expression: column(name), descending: true, nulls: 'last' })),
  };
  return {
    type: 'project',
    from: { type: 'sort', from: latest, by: keys.map((name) => ({ expression: column(name) })) },
    keep: 'none',
    columns: [
      ...keys.map((name) => named(name, column(name))),
      named(TIME, call('epoch-us', column(TIME))),
      named(CREATED, view.createdTime === undefined ? literal(0, 'int64') : call('epoch-us', column(CREATED))),
      ...view.features.map(({ name }) => named(name, column(featureColumn(name)))),
    ],
  };
}
