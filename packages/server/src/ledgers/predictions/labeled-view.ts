import type { Column } from '#engines/query/contract.ts';
import { call as fn, cast, column, descending, literal, named } from '#engines/query/model/build.ts';
import type { Relation } from '#engines/query/model/query-tree.ts';

/** Builds the view of predictions with the newest label of each row, by prediction id or key. */
export function labeledView(predictions: Relation, columns: readonly Column[], keys: readonly string[]): Relation {
  const labels: Relation = { type: 'scan', table: 'labels' };
  const labelColumns = ['label', 'label_at', 'label_by'] as const;
  const predictionColumns = [
    named('label', column('value')),
    named('label_at', column('labeled_at')),
    named('label_by', column('labeled_by')),
  ];
  const byId: Relation = {
    type: 'project',
    from: { type: 'filter', from: labels, where: fn('is-not-null', column('prediction_id')) },
    columns: [named('p', column('prediction_id')), named('r', column('row')), ...predictionColumns],
  };
  const byKey = keys.flatMap((key): Relation[] => {
    const found = columns.find(({ name }) => name === key);
    if (found === undefined) return [];
    const rows: Relation = {
      type: 'project',
      from: predictions,
      columns: [
        named('p', column('prediction_id')),
        named('r', column('row')),
        named('k', cast(column(key), 'string', { lenient: true })),
      ],
    };
    const ofKey: Relation = {
      type: 'project',
      from: { type: 'filter', from: labels, where: fn('=', column('key_column'), literal(key)) },
      columns: [named('k', column('key_value')), ...predictionColumns],
    };
    const joined: Relation = {
      type: 'join',
      kind: 'inner',
      left: rows,
      right: ofKey,
      keys: [{ left: 'k', right: 'k' }],
      take: labelColumns.map((name) => ({ column: name, as: name })),
    };
    const names = ['p', 'r', ...labelColumns];
    return [{ type: 'project', from: joined, columns: names.map((name) => named(name, column(name))) }];
  });
  const newest: Relation = {
    type: 'latest',
    from: byKey.length === 0 ? byId : { type: 'union', of: [byId, ...byKey] },
    by: ['p', 'r'],
    order: [descending('label_at')],
  };
  return {
    type: 'join',
    kind: 'left',
    left: predictions,
    right: newest,
    keys: [
      { left: 'prediction_id', right: 'p' },
      { left: 'row', right: 'r' },
    ],
    take: labelColumns.map((name) => ({ column: name, as: name })),
  };
}
