import type { Transaction } from '#kernel/transaction.ts';

/** The subject of comments, from its own ledger. */
export interface CommentSubject {
  /** Unique in the project, and stable when the object is renamed. */
  readonly key: string;
  /** The subject in events. */
  readonly subject: { readonly kind: string; readonly name: string; readonly uid: string };
  /** Further data in events. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** The location of a comment for display. */
export interface CommentLocation {
  readonly kind: 'Run' | 'Model';
  readonly name: string;
  readonly version?: number;
  readonly title: string;
}

/** Interface to the ledgers of comment subjects. */
export interface CommentSubjects {
  /** @throws DaisError `not_found`. */
  run(tx: Transaction, id: string): Promise<CommentSubject>;
  /** @throws DaisError `not_found`. */
  version(tx: Transaction, name: string, version: number): Promise<CommentSubject>;
  /** Returns locations by key. Missing objects are omitted. */
  places(tx: Transaction, keys: readonly string[]): Promise<ReadonlyMap<string, CommentLocation>>;
}
