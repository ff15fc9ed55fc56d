import type { Resource } from '@dais/api';
import type { RowFilter } from '#kernel/principal.ts';
import { holds, type RowCondition } from './row-condition.ts';
import { conditionSql } from './row-sql.ts';

/** Rows of resources. Only a condition that is surely true lets one be seen. */
export function resourceFilter(condition: RowCondition): RowFilter {
  return {
    sql: (bind) => `(${conditionSql(condition, bind)}) is true`,
    matches: (object: Resource | undefined) => object !== undefined && holds(condition, object) === true,
  };
}

/**
 * Filters events to kinds that the caller may read without exception. Events of other kinds and events without a kind
 * are hidden, because a stream cannot distinguish them.
 */
export function eventFilter(kinds: readonly string[]): RowFilter {
  return {
    sql: (bind) => `r.subject_kind = any(${bind(kinds)}::text[])`,
    matches: (object: Resource | undefined) => object !== undefined && kinds.includes(object.kind),
  };
}
