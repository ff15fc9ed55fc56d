import type { Sql } from '#engines/database/contract.ts';

/** What policies may know about whoever asks. */
export interface PrincipalFacts {
  /** Of the User or ServiceAccount. */
  readonly uid: string;
  readonly name: string;
  /** Users only. */
  readonly email?: string;
  readonly suspended: boolean;
  /** 0 to 3. */
  readonly clearance: number;
  /** Names of the teams it is a member of by itself, its provider's groups included; parents are not resolved here. */
  readonly teams: readonly string[];
}

/**
 * Port: tells about people and programs. May read the organisation's resources; must not write. What it tells holds as
 * long as `policy.state.version` is the same, so that callers may keep it.
 */
export interface PrincipalSource {
  /** Undefined when there is no such User or ServiceAccount: whoever it was may do nothing. */
  read(type: 'user' | 'service', name: string, sql: Sql): Promise<PrincipalFacts | undefined>;
}
