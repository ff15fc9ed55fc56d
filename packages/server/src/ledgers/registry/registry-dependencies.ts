import type { Principal } from '#kernel/principal.ts';
import type { KindRegistry } from '#kernel/registry.ts';
import type { Transaction } from '#kernel/transaction.ts';

/** Locations of files for versions, from the tracking ledger. */
export interface SourceHomes {
  /** Returns the URI of the artifact folder of a run; undefined if the project has no such run. */
  ofRun(tx: Transaction, id: string): Promise<string | undefined>;
  /** The same for a logged model, with its run. */
  ofLoggedModel(
    tx: Transaction,

    id: string,
  ): Promise<{ readonly artifactUri: string; readonly runId?: string } | undefined>;
}

export interface RegistryDependencies {
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  readonly kinds: () => KindRegistry;
  /** Prefix of the URIs of artifacts that are stored in Dais. */
  readonly artifactRoot: string;
  readonly homes: SourceHomes;
  /** Returns those of `teams` that a principal is a member of, directly or through a nested team. */
  readonly memberOf: (tx: Transaction, principal: Principal, teams: readonly string[]) => Promise<readonly string[]>;
}
