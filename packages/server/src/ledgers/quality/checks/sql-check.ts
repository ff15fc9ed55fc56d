/** A custom SQL query. The rows that it returns violate the expectation. */
import { aggregate, named, scan } from '#engines/query/model/build.ts';
import type { Relation } from '#engines/query/model/query-tree.ts';
import type { Check } from './check-context.ts';
import { asCount, countText } from './figures.ts';

export const sql: Check<'sql'> = async ({ query, atMost }, { asking }) => {
  const offending: Relation = { type: 'sql', dialect: 'duckdb', sql: query, views: { data: scan('data') } };
  const counted: Relation = {
    type: 'aggregate',
    from: offending,
    by: [],
    columns: [named('rows', aggregate('count'))],
  };
  const broken = asCount((await asking.rows(counted, 1)).rows[0]?.[0]);
  const failed = broken > atMost;
  return {
    findings: [
      {
        ...(failed && { anomaly: 'CUSTOM_SQL_ROWS' as const }),
        observed: countText(broken),
        allowed: atMost === 0 ? 'no rows' : `at most ${countText(atMost)}`,
        value: broken,
        broken,
      },
    ],
    ...(failed && { offending, total: broken }),
  };
};
