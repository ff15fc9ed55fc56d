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

/** Where something was said, as people are told. */
export interface CommentPlace {
  readonly kind: 'Run' | 'Model';
  readonly name: string;
  readonly version?: number;
  readonly title: string;
}

/** Port to the ledgers that hold what is commented on. */
export interface CommentSubjects {
  /** @throws DaisError `not_found`. */
  run(tx: Transaction, id: string): Promise<CommentSubject>;
  /** @throws DaisError `not_found`. */
  version(tx: Transaction, name: string, version: number): Promise<CommentSubject>;
  /** Of keys of either kind; those that are not there are left out. */
  places(tx: Transaction, keys: readonly string[]): Promise<ReadonlyMap<string, CommentPlace>>;
}
