import type { Actor, DaisError, Operation, OperationTarget, Resource } from '@dais/api';
import type { Facts, FactSubject } from '@dais/api/access';
import type { Prelude, Sql } from '#engines/database/contract.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { Bind } from '#lib/composed-sql.ts';

/** The caller. Created by an adapter from credentials; `id` is stable and safe to log. */
export interface Principal extends Actor {
  /** The project that the token is bound to, if it is. */
  readonly project?: string;
  /** What the token is limited to, whatever its owner may do: `secret:read`, `secret:*`. Absent: no limit. */
  readonly scopes?: readonly string[];
  /** Absent for the platform itself. */
  readonly via?: Via;
  /** Must still be checked; absent: already checked. */
  readonly credentialCheck?: CredentialCheck;
}

/** Interface: checks whether the credential of the caller is still valid, where this costs no separate round trip. */
export interface CredentialCheck {
  /** Milliseconds until it expires unless it is used. */
  readonly leftMs: number;
  /**
   * At this version of what decisions rest on, as the operation's transaction sees it.
   * @throws DaisError `unauthenticated` when it has ended.
   */
  check(version: bigint, sql: Sql): Promise<void>;
}

/** How the principal was authenticated: context of policies, evidence of the audit log. */
export interface Via {
  readonly method: 'solo' | 'owner-token' | 'password' | 'oidc' | 'saml' | 'token' | 'federation' | 'step' | 'none';
  /** Id of the session, token or attempt at a step: names it, opens nothing. */
  readonly credential?: string;
  /** A second factor was used. */
  readonly mfa: boolean;
}

/** The origin of a request. */
export interface Client {
  readonly address: string;
  readonly userAgent?: string;
}

export const SYSTEM: Principal = { type: 'system', id: 'dais' };

/** An unauthenticated caller, who has only the `public` operations. */
export const ANONYMOUS: Principal = { type: 'user', id: 'anonymous', via: { method: 'none', mfa: false } };

/** One question to the authorizer. */
export interface Question {
  readonly principal: Principal;
  readonly requestId: string;
  readonly client?: Client;
  readonly operation: Pick<Operation, 'name' | 'action' | 'mode' | 'scope' | 'public' | 'self'>;
  readonly target: OperationTarget;
  /** Id of the tenant of the target; the organization's id for kinds of the organization. */
  readonly projectId: string;
  /** Its name; empty for the organization. */
  readonly project: string;
}

/** The policies of the decision, stored with every event of the change. */
export interface Decision {
  /** Ids of the permitting policies, or of the denying ones. */
  readonly policies: readonly string[];
  /** Digest of the set of policies that was in force. */
  readonly set: string;
}

/** Some rows of a collection. */
export interface RowFilter {
  /** A condition on the row `r`; `bind` returns the placeholder of a value. */
  sql(bind: Bind): string;
  /** The same, for what streams: `object` is what the frame is about, if it is still there. */
  matches(object: Resource | undefined): boolean;
}

export interface Permit {
  readonly decision?: Decision;
  /** Only these rows of the collection; absent: all of them. */
  readonly rows?: RowFilter;
  /** References of the desired state that the caller may neither use nor see: reported as missing. */
  readonly unseen?: readonly { readonly kind: string; readonly name: string; readonly error: DaisError }[];
  /** Aborts when the decision can be outdated: the stream then ends, and its reader is authorized again. */
  readonly until?: AbortSignal;
}

/**
 * Interface: decides whether a principal has a permission. Called for every operation of every adapter, inside the
 * operation's transaction, so that a decision and the change that it permits see the same facts.
 */
export interface Authorizer {
  /**
   * Resolves when permitted. @throws DaisError `forbidden` naming the action and the policy, `unauthenticated`;
   * `not_found` when even the existence of the target must stay hidden.
   */
  authorize(question: Question, tx: Transaction): Promise<Permit>;
  /** Data that every decision needs; for quick reads it is read together with the rows. */
  readonly prelude?: Prelude;
  /** Receives the error of an operation after its transaction, for example to record a denial. */
  ended?(error: unknown): Promise<void>;
}

/** Interface: facts of a kind or ledger about a resource, for policies. */
export interface FactProvider {
  /** Names of the facts, as declared in the table of facts. */
  readonly names: readonly string[];
  /** In the transaction of the decision, which is in the subject's project. Computes the named facts and no others. */
  load(tx: Transaction, subject: FactSubject, names: ReadonlySet<string>): Promise<Facts>;
}
