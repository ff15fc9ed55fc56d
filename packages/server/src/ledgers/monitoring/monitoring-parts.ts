import type { DatasetVersion } from '@dais/api/data';
import type { Database } from '#engines/database/contract.ts';
import type { FileTable, QueryEngine } from '#engines/query/contract.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { RowsExplainer } from '#ledgers/model-jobs/index.ts';
import type { PredictionReader } from '#ledgers/predictions/index.ts';
import type { EndpointUsage, UsageInPeriod } from '#ledgers/serving/index.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';

/** What a channel is told. The same key: the same alert. */
export interface ToldAlert {
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

/** What is asked of versions of datasets. */
export interface MonitoredVersions {
  /** @throws DaisError `not_found`. */
  readonly read: (tx: Transaction, id: string) => Promise<DatasetVersion>;
  /** Of `flights@latest`. @throws DaisError `not_found`, `invalid_request`. */
  readonly resolve: (tx: Transaction, reference: string) => Promise<DatasetVersion>;
  /** The oldest ready one above a number. */
  readonly next: (
    tx: Transaction,
    dataset: string,
    number: number,
    since: number,
  ) => Promise<DatasetVersion | undefined>;
  /** Its rows, as long as `work` runs. @throws DaisError `content_missing`, `invalid_state`. */
  readonly withTable: <T>(version: DatasetVersion, work: (table: FileTable) => Promise<T>) => Promise<T>;
  /** Columns whose values are for few. */
  readonly masked: (tx: Transaction, dataset: string) => Promise<readonly string[]>;
}

export interface MonitoringParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  /** Opened when it is first needed. */
  readonly query: () => Promise<QueryEngine>;
  readonly predictions: PredictionReader;
  readonly versions: MonitoredVersions;
  /** By which columns a version goes. */
  readonly explainer: Pick<RowsExplainer, 'withVersion'>;
  /** What an endpoint used in a time; undefined: nothing was told of it. */
  readonly usage: (of: UsageInPeriod) => Promise<EndpointUsage | undefined>;
  /** In the transaction that raises it. @throws DaisError `not_found`, `being_deleted`. */
  readonly tell: (tx: Transaction, channel: string, alert: ToldAlert) => Promise<string>;
  /** A run of the newest version of a Pipeline, in the transaction that decides it. @throws DaisError when it cannot run. */
  readonly startPipeline: (
    tx: Transaction,
    request: { readonly pipeline: string; readonly parameters: Readonly<Record<string, unknown>> },
  ) => Promise<string>;
  /** Where people reach the console, without a slash at the end. */
  readonly url: string;
}
