import type { Sql } from '#engines/database/contract.ts';

/** What a ledger knows of the owner of stored bytes, for a person. */
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

/** Names the owners that a ledger knows; the transaction sees all projects. */
export type NameOwners = (sql: Sql, references: readonly DamagedReference[]) => Promise<readonly OwnerName[]>;
