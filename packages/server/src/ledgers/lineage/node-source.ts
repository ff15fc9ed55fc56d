import type { OperationTarget } from '@dais/api';
import type { LineageNodeType } from '@dais/api/lineage';
import type { Transaction } from '#kernel/transaction.ts';

/** The description of an object by its ledger. */
export interface KnownNode {
  readonly name: string;
  /** Creation time in milliseconds since 1970. */
  readonly at: number;
  readonly gone: boolean;
  readonly data: Readonly<Record<string, string>>;
  /** Default: the target of the source. */
  readonly target?: OperationTarget;
}

/** Interface: the ledger of one node type. The lineage ledger stores only references, and reads descriptions on request. */
export interface NodeSource {
  readonly type: LineageNodeType;
  /** Permission on the object that makes its node visible. */
  readonly action: string;
  readonly target: OperationTarget;
  /** Returns the existing objects in the project of the transaction. */
  describe(tx: Transaction, ids: readonly string[]): Promise<ReadonlyMap<string, KnownNode>>;
  /** Returns the id for a name. */
  find?(tx: Transaction, name: string): Promise<string | undefined>;
}
