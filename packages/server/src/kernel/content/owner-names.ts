import type { Sql } from '#engines/database/contract.ts';

/** Names of owners of stored bytes for people, from the ledger. */
export interface DamagedReference {
  readonly projectId: string;
  /** Uid of the resource or record that the object belongs to. */
  readonly owner: string;
  readonly name: string;
}

export interface OwnerName {
  readonly projectId: string;
  readonly owner: string;
  /** Only this file of the owner; undefined: all of them. */
  readonly file?: string;
  readonly kind: string;
  readonly name: string;
}

/** Names the owners in a ledger; the transaction sees all projects. */
export type NameOwners = (sql: Sql, references: readonly DamagedReference[]) => Promise<readonly OwnerName[]>;
