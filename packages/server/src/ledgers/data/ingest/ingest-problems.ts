/** Errors in the files of an ingest. */
import type { DaisError, DatasetSpec } from '@dais/api';
import type { IngestProblem } from '@dais/api/data';
import type { DataError } from '#engines/query/contract.ts';
import { QueryError } from '#engines/query/model/query-error.ts';

/** Maximum number of errors in a response; the rejects file contains all. */
export const SHOWN_PROBLEMS = 100;

export function problemsOfError(error: DaisError, spec: Pick<DatasetSpec, 'sensitive'>): IngestProblem[] {
  return error instanceof QueryError && error.errors.length > 0
    ? error.errors.slice(0, SHOWN_PROBLEMS).map(problemOf(spec))
    : problemsOfIssues(error);
}

/** Converts an error; values of masked columns are removed. */
export function problemOf({ sensitive = [] }: Pick<DatasetSpec, 'sensitive'>) {
  const hidden = new Set(sensitive.map(({ column }) => column));
  return ({ file, line, column, value, problem, remedy }: DataError): IngestProblem => ({
    file,
    ...(line !== undefined && { line }),
    ...(column !== undefined && { column }),
    ...(value !== undefined &&
      (column === undefined ? hidden.size === 0 : !hidden.has(column)) && { value: value.slice(0, 100) }),
    message: problem,
    remedy,
  });
}

function problemsOfIssues(error: DaisError): IngestProblem[] {
  const issues = error.issues ?? [];
  if (issues.length === 0) return [{ message: error.message }];
  return issues.slice(0, SHOWN_PROBLEMS).map(({ path, file, line, message }) => ({
    message,
    ...(file !== undefined && { file }),
    ...(line !== undefined && { line }),
    ...(path !== undefined && path !== '' && { column: path }),
  }));
}
