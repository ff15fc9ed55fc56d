/** What was wrong with the files of an ingest, as it is told. */
import type { DaisError, DatasetSpec } from '@dais/api';
import type { IngestFault } from '@dais/api/data';
import type { DataError } from '#engines/query/contract.ts';
import { QueryError } from '#engines/query/model/query-error.ts';

/** Faults that are told; all are in the rejects. */
export const SHOWN_FAULTS = 100;

export function faultsOfError(error: DaisError, spec: Pick<DatasetSpec, 'sensitive'>): IngestFault[] {
  return error instanceof QueryError && error.faults.length > 0
    ? error.faults.slice(0, SHOWN_FAULTS).map(faultOf(spec))
    : faultsOfIssues(error);
}

/** Values of columns that are masked stand in no fault. */
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
