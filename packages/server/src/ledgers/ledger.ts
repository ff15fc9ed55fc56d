/** What a ledger declares. Each folder of ledgers exports one definition, and `compose/ledgers.ts` lists them all. */
import type { Slice, Sql } from '#engines/database/contract.ts';
import type { KeyInfo } from '#engines/keys/contract.ts';
import type { NameOwners } from '#kernel/content/owner-names.ts';
import type { OperationEntry } from '#kernel/entry.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { FactProvider } from '#kernel/principal.ts';
import type { Subscriber } from '#kernel/subscriptions.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { NodeSource, UpstreamFactsOptions, UpstreamMeasure } from '#ledgers/lineage/index.ts';

/**
 * A ledger of the server. Everything except `open` needs neither configuration nor engines: migrations, backups and
 * kinds read it in processes that open no ledger.
 */
export interface LedgerDefinition<Dependencies = never, Opened extends Ledger = Ledger> {
  /** Name of its folder. */
  readonly name: string;
  /** Its database schema with the migrations. */
  readonly slice: Slice;
  /** What it does when a project is created, changed and deleted. */
  readonly project?: ProjectLifecycle;
  /** For ledgers that store content: names the owners of stored objects in reports of damage. */
  readonly nameOwners?: NameOwners;
  /** For ledgers that store what the key engine wrapped. */
  readonly keyRotation?: KeyRotation;
  /** Its records as nodes of the lineage graph. */
  readonly lineageNodes?: readonly NodeSource[];
  /** What policies may know from it. `now`: milliseconds since the Unix epoch. */
  readonly facts?: (now: () => number) => LedgerFacts;
  /** Opens it in a control process. Does no I/O: `start` of what it returns does. */
  readonly open: (dependencies: Dependencies) => Opened;
}

/** The work of a process, by the role of its node. */
export interface ProcessWork {
  /** Background work for all nodes. */
  readonly controller: boolean;
  /** Predictions: its node has a gateway. */
  readonly gateway: boolean;
  /** Steps of jobs and pipeline runs. */
  readonly steps: boolean;
}

/** A ledger that a control process opened: its contributions to the kernel, and its background work. */
export interface Ledger {
  readonly entries?: readonly OperationEntry[];
  readonly jobs?: readonly JobHandler[];
  readonly subscribers?: readonly Subscriber[];
  /** Reads its gauges when Prometheus scrapes. @throws when the database does not answer. */
  readonly metrics?: () => Promise<readonly GaugeSample[]>;
  /** Does what must precede all requests and all work of the kernel. */
  readonly prepare?: () => Promise<void>;
  /** Starts its own work once the kernel runs. `work`: what the role of this process includes. */
  readonly start?: (work: ProcessWork) => Promise<void>;
  /** Stops its own work while the kernel still runs. Idempotent. */
  readonly stop?: () => Promise<void>;
  /** Ends what must outlast the kernel, after it has stopped. Idempotent. */
  readonly close?: () => Promise<void>;
}

/** All run in the transaction that changes the project. */
export interface ProjectLifecycle {
  /** Prepares what every project has from the start. `folderRoot`: see the tracking ledger. */
  readonly create?: (
    tx: Transaction,
    projectId: string,
    options: { readonly now: () => number; readonly folderRoot: string | undefined },
  ) => void;
  /** The manifest was created or changed; a deleted project has no spec. */
  readonly change?: (tx: Transaction, projectId: string, spec: ProjectSpec | undefined) => void;
  /**
   * Deletes its records of the project. The transaction is in that project. @throws DaisError `still_referenced` while
   * there are records that must be deleted first.
   */
  readonly remove?: (tx: Transaction, project: { readonly id: string; readonly name: string }) => Promise<void>;
}

export type ProjectSpec = Readonly<Record<string, unknown>>;

/** Values of a ledger that key-encryption keys wrap. */
export interface KeyRotation {
  /** Counts the values of each key; a key with values cannot be removed. */
  countByKey(sql: Sql): Promise<readonly (KeyInfo & { readonly values: number })[]>;
  /** Queue of the job that wraps all values under the current key. */
  readonly queue: string;
}

export interface LedgerFacts {
  /** Facts about resources, by kind. */
  readonly providers?: Readonly<Record<string, FactProvider>>;
  /** Facts about what is upstream of a resource in the lineage graph. */
  readonly upstream?: readonly UpstreamMeasure[];
  /** The kind of this ledger that has facts about what is upstream and that can be in production. */
  readonly production?: ProductionKind;
}

export interface ProductionKind {
  readonly kind: 'Endpoint' | 'Model';
  /** Where the walk through the lineage graph starts for one resource. */
  readonly starts: UpstreamFactsOptions['starts'];
  /** Lists what is in production in the transaction's project, in order of name and alias, after `after`. */
  readonly list: (
    tx: Transaction,
    after: { readonly name: string; readonly alias: string } | undefined,
    limit: number,
  ) => Promise<
    readonly {
      readonly kind: 'Endpoint' | 'Model';
      readonly name: string;
      readonly uid: string;
      readonly alias?: string;
      readonly version?: string;
    }[]
  >;
  /** Names of the variants that a start is served as, by its lineage key; absent where nothing has variants. */
  readonly variants?: (tx: Transaction, uid: string) => Promise<ReadonlyMap<string, readonly string[]>>;
}

/** One value of a gauge. `http/metrics/metric-definitions.ts` defines all metrics, for the reference and the dashboards. */
export interface GaugeSample {
  /** Name of the metric. */
  readonly gauge: string;
  readonly value: number;
  readonly labels: Readonly<Record<string, string>>;
}
