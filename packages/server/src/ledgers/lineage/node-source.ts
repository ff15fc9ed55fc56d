import type { LineageNodeType, OperationTarget } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';

/** What a ledger knows of one of its things. */
export interface KnownNode {
  readonly name: string;
  /** When it was made; milliseconds since 1970. */
  readonly at: number;
  readonly gone: boolean;
  readonly data: Readonly<Record<string, string>>;
  /** Default: the source's. */
  readonly target?: OperationTarget;
}

/** Port: the ledger that keeps the things of one type. This one keeps references only, and asks when it is asked. */
export interface NodeSource {
  readonly type: LineageNodeType;
  /** Whoever may do this to the thing may see it here. */
  readonly action: string;
  readonly target: OperationTarget;
  /** Those that are there, of the transaction's project. */
  describe(tx: Transaction, ids: readonly string[]): Promise<ReadonlyMap<string, KnownNode>>;
  /** The id of what people call otherwise. */
  find?(tx: Transaction, name: string): Promise<string | undefined>;
}
