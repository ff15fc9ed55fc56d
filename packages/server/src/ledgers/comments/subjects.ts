import type { Transaction } from '#kernel/transaction.ts';

/** What is commented on: as its own ledger knows it. */
export interface CommentSubject {
  /** Unique in the project; stays when the thing gets another name. */
  readonly key: string;
  /** As events name it. */
  readonly subject: { readonly kind: string; readonly name: string; readonly uid: string };
  /** What events say of it beside its name. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** Port to the ledgers that hold what is commented on. Each throws DaisError `not_found`. */
export interface CommentSubjects {
  run(tx: Transaction, id: string): Promise<CommentSubject>;
  version(tx: Transaction, name: string, version: number): Promise<CommentSubject>;
}
