import type { Principal } from '#kernel/principal.ts';
import type { KindRegistry } from '#kernel/registry.ts';
import type { Transaction } from '#kernel/transaction.ts';

/** Where files lie that a version may be taken from, as the ledger of runs knows it. */
export interface SourceHomes {
  /** Address of the folder of a run's artifacts; undefined when there is no such run in the project. */
  ofRun(tx: Transaction, id: string): Promise<string | undefined>;
  /** The same for a logged model, with the run that made it. */
  ofLoggedModel(
    tx: Transaction,

    id: string,
  ): Promise<{ readonly artifactUri: string; readonly runId?: string } | undefined>;
}

export interface RegistryParts {
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  readonly kinds: () => KindRegistry;
  /** What the addresses of artifacts that lie in Dais begin with. */
  readonly artifactRoot: string;
  readonly homes: SourceHomes;
  /** Those of `teams` that a principal is a member of, by itself or by a team below. */
  readonly memberOf: (tx: Transaction, principal: Principal, teams: readonly string[]) => Promise<readonly string[]>;
}
