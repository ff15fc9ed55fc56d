import type { Sql } from '#engines/database/contract.ts';

/** Facts about the principal for policies. */
export interface PrincipalFacts {
  /** Of the User or ServiceAccount. */
  readonly uid: string;
  readonly name: string;
  /** Users only. */
  readonly email?: string;
  readonly suspended: boolean;
  /** 0 to 3. */
  readonly clearance: number;
  /**
   * Names of the teams with the principal as a direct member, including provider groups; parents are not resolved here.
   */
  readonly teams: readonly string[];
}

/**
 * Interface: provides facts about users and service accounts. May read resources of the organization; must not write. A
 * result is valid while `policy.state.version` is unchanged, so callers may cache it.
 */
export interface PrincipalSource {
  /** Undefined if there is no such User or ServiceAccount: the principal has no permissions. */
  read(type: 'user' | 'service', name: string, sql: Sql): Promise<PrincipalFacts | undefined>;
}
