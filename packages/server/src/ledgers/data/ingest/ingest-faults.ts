/** Errors in the files of an ingest. */
import type { DaisError, DatasetSpec } from '@dais/api';
import type { IngestFault } from '@dais/api/data';
import type { DataError } from '#engines/query/contract.ts';
import { QueryError } from '#engines/query/model/query-error.ts';

/** Maximum number of errors in a response; the rejects file contains all. */
export const SHOWN_FAULTS = 100;

export function faultsOfError(error: DaisError, spec: Pick<DatasetSpec, 'sensitive'>): IngestFault[] {
  return error instanceof QueryError && error.faults.length > 0
    ? error.faults.slice(0, SHOWN_FAULTS).map(faultOf(spec))
    : faultsOfIssues(error);
}

/** Converts an error; values of masked columns are removed. */
export function faultOf({ sensitive = [] }: Pick<DatasetSpec, 'sensitive'>) {
  const hidden = new Set(sensitive.map(({ column }) => column));
  return ({ file, line, column, value, problem, remedy }: DataError): IngestFault => ({
    file,
    ...(line !== undefined && { line }),
    ...(column !== undefined && { column }),
    ...(value !== undefined &&
      (column === undefined ? hidden.size === 0 : !hidden.has(column)) && { value: value.slice(0, 100) }),
    message: problem,
    remedy,
  });
}

function faultsOfIssues(error: DaisError): IngestFault[] {
  const issues = error.issues ?? [];
  if (issues.length === 0) return [{ message: error.message }];
  return issues.slice(0, SHOWN_FAULTS).map(({ path, file, line, message }) => ({
    message,
    ...(file !== undefined && { file }),
    ...(line !== undefined && { line }),
    ...(path !== undefined && path !== '' && { column: path }),
  }));
}
