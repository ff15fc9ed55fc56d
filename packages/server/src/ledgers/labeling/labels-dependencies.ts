import type { ColumnMask, DatasetVersion } from '@dais/api/data';
import type { JobIo } from '#kernel/job-runner.ts';
import type { Transaction } from '#kernel/transaction.ts';

/** A table that becomes a dataset version. */
export interface LabelTable {
  readonly projectId: string;
  readonly dataset: string;
  /** The spec of a new Dataset. */
  readonly spec: Readonly<Record<string, unknown>>;
  /** Absolute path of an NDJSON file. */
  readonly path: string;
  /** Ids of source dataset versions. */
  readonly versions: readonly string[];
  readonly message: string;
  readonly by: DatasetVersion['createdBy'];
}

export interface LabelsDependencies {
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Absolute path of the folder for temporary files; created if it does not exist. */
  readonly folder: string;
  /** Returns the columns of a dataset that are masked for users who may not unmask. */
  readonly masks: (tx: Transaction, dataset: string) => Promise<readonly ColumnMask[]>;
  readonly resolveVersion: (tx: Transaction, reference: string) => Promise<DatasetVersion>;
  /** Creates a version from a table atomically. `also` runs in the same transaction. */
  readonly makeVersion: (
    table: LabelTable,
    io: JobIo,
    also: (tx: Transaction, version: DatasetVersion) => Promise<void>,
  ) => Promise<DatasetVersion>;
}
