/** The error of the query engine: a code of the catalog, and its position in data or SQL. */
import { DaisError, type Issue } from '@dais/api/errors';
import type { DataError, QueryFailure } from '../contract.ts';

export type QueryErrorCode =
  | 'data_invalid'
  | 'query_invalid'
  | 'query_limit'
  | 'query_failed'
  | 'too_large'
  | 'overloaded'
  | 'storage_full'
  | 'content_missing'
  | 'shutting_down'
  | 'invalid_request';

export class QueryError extends DaisError implements QueryFailure {
  readonly errors: readonly DataError[];
  readonly errorCount: number;
  readonly position: { readonly line: number; readonly column: number } | undefined;

  constructor(code: QueryErrorCode, detail: string, failure: Partial<QueryFailure> = {}) {
    super(code, detail, { issues: issuesOf(failure) });
    this.name = 'QueryError';
    this.errors = failure.errors ?? [];
    this.errorCount = failure.errorCount ?? this.errors.length;
    this.position = failure.position;
  }
}

/** Without values: issues are visible to all who can see the failed job. */
function issuesOf(failure: Partial<QueryFailure>): readonly Issue[] {
  const problems = (failure.errors ?? []).map((failure) => ({
    message: `${failure.problem} ${failure.remedy}`,
    file: failure.file,
    ...(failure.line !== undefined && { line: failure.line }),
    ...(failure.column !== undefined && { path: failure.column }),
  }));
  return failure.position === undefined ? problems : [...problems, { message: 'Here.', ...failure.position }];
}
