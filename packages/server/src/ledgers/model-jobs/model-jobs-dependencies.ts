import type { Prediction, readPredictionOperation } from '@dais/api/serving';
import type { BlobStore, LocalBlobs } from '#engines/blobs/contract.ts';
import type { Database } from '#engines/database/contract.ts';
import type { Environments } from '#engines/environments/contract.ts';
import type { QueryEngine } from '#engines/query/contract.ts';
import type { Content } from '#kernel/content/content.ts';
import type { CallOf } from '#kernel/entry.ts';
import type { Principal } from '#kernel/principal.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { SensitiveColumn, VersionMaker } from '#ledgers/data/index.ts';
import type { GatewayLink } from '#ledgers/serving/index.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import type { Converter } from './convert/converter.ts';
import type { ExplainableModel, HostModel } from './hosted-model.ts';

export interface ModelJobsDependencies {
  readonly database: Database;
  readonly content: Content;
  readonly environments: () => Promise<Environments>;
  readonly query: () => Promise<QueryEngine>;
  /** Provides the files of dataset versions. */
  readonly data: {
    readonly database: Database;
    readonly blobs: BlobStore & Partial<LocalBlobs>;
    readonly folder: string;
  };
  readonly maker: VersionMaker;
  /** Returns the sensitive columns of a dataset, for marking another one. */
  readonly marks: (tx: Transaction, dataset: string) => Promise<readonly SensitiveColumn[]>;
  /** Returns columns that are masked for this reader. */
  readonly masked: (
    tx: Transaction,
    dataset: string,
    principal: Principal,
    may: (action: string) => Promise<boolean>,
  ) => Promise<readonly { readonly column: string }[]>;
  readonly host: HostModel;
  readonly hostExplainable: HostModel<ExplainableModel>;
  readonly converter: Converter;
  readonly gateway: GatewayLink;
  /** Returns a captured prediction as the reader may see it. @throws DaisError `not_found`. */
  readonly prediction: (call: CallOf<typeof readPredictionOperation>) => Promise<Prediction>;
  /** Absolute folder for models and temporary files; created if missing. */
  readonly folder: string;
  /** Prefix of the URIs of artifacts that are stored in Dais. */
  readonly artifactRoot: string;
  /** Retention of ended jobs; 0: unlimited. */
  readonly days: number;
  readonly clock: Clock;
  readonly log: Log;
}
