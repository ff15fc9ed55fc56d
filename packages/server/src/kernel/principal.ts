import type { Actor, DaisError, Facts, FactSubject, Operation, OperationTarget, Resource } from '@dais/api';
import type { Prelude, Sql } from '#engines/database/contract.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { Bind } from '#lib/composed-sql.ts';

/** Who asks. Made by a door from its credentials; `id` is stable and safe to log. */
export interface Principal extends Actor {
  /** The project that the token is bound to, if it is. */
  readonly project?: string;
  /** What the token is limited to, whatever its owner may do: `secret:read`, `secret:*`. Absent: no limit. */
  readonly scopes?: readonly string[];
  /** Absent for the platform itself. */
  readonly via?: Via;
  /** Still to be asked; absent: looked at already. */
  readonly standing?: Standing;
}

/** Port: whether what somebody proved themselves with still holds, asked where it costs no round trip of its own. */
export interface Standing {
  /** Milliseconds until it ends by itself unless it is used again. */
  readonly leftMs: number;
  /**
   * At this version of what decisions rest on, as the operation's transaction sees it.
   * @throws DaisError `unauthenticated` when it has ended.
   */
  check(version: bigint, sql: Sql): Promise<void>;
}

/** How a principal proved who it is: context of policies, evidence of the audit ledger. */
export interface Via {
  readonly method: 'solo' | 'owner-token' | 'password' | 'oidc' | 'token' | 'federation' | 'step' | 'none';
  /** Id of the session, token or attempt at a step: names it, opens nothing. */
  readonly credential?: string;
  /** A second factor was used. */
  readonly mfa: boolean;
}

/** Where a request comes from. */
export interface Client {
  readonly address: string;
  readonly userAgent?: string;
}

export const SYSTEM: Principal = { type: 'system', id: 'dais' };

/** Who has not said who they are: may do operations that are `public`, nothing else. */
export const ANONYMOUS: Principal = { type: 'user', id: 'anonymous', via: { method: 'none', mfa: false } };

/** One question to the authorizer. */
export interface Question {
  readonly principal: Principal;
  readonly requestId: string;
  readonly client?: Client;
  readonly operation: Pick<Operation, 'name' | 'action' | 'mode' | 'scope' | 'public' | 'self'>;
  readonly target: OperationTarget;
  /** Id of the tenant that the target lies in; the organisation's id for kinds of the organisation. */
  readonly projectId: string;
  /** Its name; empty for the organisation. */
  readonly project: string;
}

/** Which policies decided: kept with every event of the change. */
export interface Decision {
  /** Ids of the policies that permitted, or of those that refused. */
  readonly policies: readonly string[];
  /** Digest of the set of policies that was in force. */
  readonly set: string;
}

/** Some rows of a collection. */
export interface RowFilter {
  /** A condition over the row `r`; `bind` takes a value and gives its placeholder. */
  sql(bind: Bind): string;
  /** The same, for what streams: `object` is what the frame is about, if it is still there. */
  matches(object: Resource | undefined): boolean;
}

export interface Permit {
  readonly decision?: Decision;
  /** Only these rows of the collection; absent: all of them. */
  readonly rows?: RowFilter;
  /** What the desired state refers to and the caller may neither use nor see: told like what is not there. */
  readonly unseen?: readonly { readonly kind: string; readonly name: string; readonly error: DaisError }[];
  /** Aborts when it may no longer hold: a stream then ends, and its reader comes back to be asked again. */
  readonly until?: AbortSignal;
}

/**
 * Port: decides whether a principal may do something. Asked for every operation, whatever the door, inside the
 * operation's transaction, so that a decision and the change it permits see the same facts.
 */
export interface Authorizer {
  /**
   * Resolves when permitted. @throws DaisError `forbidden` naming the action and the policy, `unauthenticated`;
   * `not_found` when even the existence of the target must stay hidden.
   */
  authorize(question: Question, tx: Transaction): Promise<Permit>;
  /** What it reads for every decision; for quick reads it then comes with the read itself. */
  readonly prelude?: Prelude;
  /** Told of an error that an operation ends with, once its transaction is over: a refusal can then be put on record. */
  ended?(error: unknown): Promise<void>;
}

/** Port: what a kind or a ledger can tell policies about a resource. */
export interface FactProvider {
  /** Names of the facts it gives, as the table of facts declares them. */
  readonly names: readonly string[];
  /** In the transaction of the decision, which is in the subject's project. Computes the named facts and no others. */
  load(tx: Transaction, subject: FactSubject, names: ReadonlySet<string>): Promise<Facts>;
}
