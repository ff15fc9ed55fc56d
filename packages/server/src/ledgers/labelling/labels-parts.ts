import type { ColumnMask, DatasetVersion } from '@dais/api/data';
import type { JobIo } from '#kernel/job-runner.ts';
import type { Transaction } from '#kernel/transaction.ts';

/** A table that becomes a dataset version. */
export interface LabelTable {
  readonly projectId: string;
  readonly dataset: string;
  /** Of the Dataset, when it is not there yet. */
  readonly spec: Readonly<Record<string, unknown>>;
  /** Absolute path of a file of JSON, one row a line. */
  readonly path: string;
  /** Ids of dataset versions that it was made from. */
  readonly versions: readonly string[];
  readonly message: string;
  readonly by: DatasetVersion['createdBy'];
}

export interface LabelsParts {
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Absolute folder of this machine for files that are being worked on; made when it is absent. */
  readonly folder: string;
  /** Columns of a dataset that whoever may not unmask does not see. */
  readonly masks: (tx: Transaction, dataset: string) => Promise<readonly ColumnMask[]>;
  /** @throws DaisError `not_found`, `invalid_request`. */
  readonly resolveVersion: (tx: Transaction, reference: string) => Promise<DatasetVersion>;
  /** Makes a version of a table; whole or not at all. `also` is done in the transaction that commits it. */
  readonly makeVersion: (
    table: LabelTable,
    io: JobIo,
    also: (tx: Transaction, version: DatasetVersion) => Promise<void>,
  ) => Promise<DatasetVersion>;
}
