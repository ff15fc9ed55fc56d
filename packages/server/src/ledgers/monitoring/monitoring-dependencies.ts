import type { DatasetVersion } from '@dais/api/data';
import type { Database } from '#engines/database/contract.ts';
import type { FileTable, QueryEngine } from '#engines/query/contract.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { RowsExplainer } from '#ledgers/model-jobs/index.ts';
import type { PredictionReader } from '#ledgers/predictions/index.ts';
import type { EndpointUsage, UsageInPeriod } from '#ledgers/serving/index.ts';
import type { LoopDependencies } from '#lib/concurrency/loop.ts';

/** The content of an alert message. Messages with the same key belong to the same alert. */
export interface AlertMessage {
  readonly type: string;
  readonly severity: 'info' | 'warning' | 'critical';
  readonly title: string;
  readonly text: string;
  readonly at: string;
  readonly project: string;
  readonly subject: { readonly kind: string; readonly name: string };
  readonly facts: readonly { readonly name: string; readonly value: string }[];
  readonly url?: string;
  readonly key: string;
  readonly state: 'raised' | 'acknowledged' | 'resolved';
  readonly raisedAt: string;
  readonly runbook?: string;
}

/** Reads dataset versions. */
export interface MonitoredVersions {
  readonly read: (tx: Transaction, id: string) => Promise<DatasetVersion>;
  /** Resolves a reference such as `flights@latest`. @throws DaisError `not_found`, `invalid_request`. */
  readonly resolve: (tx: Transaction, reference: string) => Promise<DatasetVersion>;
  /** Returns the oldest ready version after a number. */
  readonly next: (
    tx: Transaction,
    dataset: string,
    number: number,
    since: number,
  ) => Promise<DatasetVersion | undefined>;
  /** Provides the rows while `work` runs. @throws DaisError `content_missing`, `invalid_state`. */
  readonly withTable: <T>(version: DatasetVersion, work: (table: FileTable) => Promise<T>) => Promise<T>;
  /** Columns with restricted values. */
  readonly masked: (tx: Transaction, dataset: string) => Promise<readonly string[]>;
}

export interface MonitoringDependencies extends LoopDependencies {
  readonly database: Database;
  /** Opens the engine on first use. */
  readonly query: () => Promise<QueryEngine>;
  readonly predictions: PredictionReader;
  readonly versions: MonitoredVersions;
  /** Computes feature attributions of a model version. */
  readonly explainer: Pick<RowsExplainer, 'withVersion'>;
  /** Returns the resource usage of an endpoint in a period; undefined if none was reported. */
  readonly usage: (of: UsageInPeriod) => Promise<EndpointUsage | undefined>;
  /** Enqueues the alert in the transaction that raises it. @throws DaisError `not_found`, `being_deleted`. */
  readonly notify: (tx: Transaction, channel: string, alert: AlertMessage) => Promise<string>;
  /** Starts a run of the newest version of a Pipeline in the same transaction. @throws DaisError if it cannot run. */
  readonly startPipeline: (
    tx: Transaction,
    request: { readonly pipeline: string; readonly parameters: Readonly<Record<string, unknown>> },
  ) => Promise<string>;
  /** The URL of the console, without a trailing slash. */
  readonly url: string;
}
