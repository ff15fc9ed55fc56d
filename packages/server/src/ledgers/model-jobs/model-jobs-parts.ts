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

export interface ModelJobsParts {
  readonly database: Database;
  readonly content: Content;
  readonly environments: () => Promise<Environments>;
  readonly query: () => Promise<QueryEngine>;
  /** Where the files of versions of datasets are found. */
  readonly data: {
    readonly database: Database;
    readonly blobs: BlobStore & Partial<LocalBlobs>;
    readonly folder: string;
  };
  readonly maker: VersionMaker;
  /** What is masked in a dataset, as marks of another one. */
  readonly marks: (tx: Transaction, dataset: string) => Promise<readonly SensitiveColumn[]>;
  /** Columns that this reader may not see as they are. */
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
  /** A kept prediction as its reader sees it. @throws DaisError `not_found`. */
  readonly prediction: (call: CallOf<typeof readPredictionOperation>) => Promise<Prediction>;
  /** Absolute folder for models and files that are being worked on; made when it is absent. */
  readonly folder: string;
  /** What the addresses of artifacts that lie in Dais begin with. */
  readonly artifactRoot: string;
  /** Jobs that have ended are kept for so long; 0: for ever. */
  readonly days: number;
  readonly clock: Clock;
  readonly log: Log;
}
