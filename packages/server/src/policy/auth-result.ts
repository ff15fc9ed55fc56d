import type { Operation, OutputOf } from '@dais/api';
import { answerEntry, type HandlerOf, type OperationEntry } from '#kernel/entry.ts';
import type { CookieAttributes } from '#lib/http/cookies.ts';

/**
 * The result of an operation below `/auth/`: the body for the caller, and cookies for the browser. Cookies are never
 * part of a body, so that neither scripts nor logs contain them.
 */
export interface AuthResult<Body = unknown> {
  readonly body: Body;
  readonly cookies?: readonly CookieAttributes[];
  /** A path of this server (see oidc/return-path.ts) or the address of an identity provider; the answer is then a redirect. */
  readonly redirect?: string;
  /** Sent instead of the body. */
  readonly document?: { readonly type: string; readonly text: string };
}

export type AuthResultOf<Op extends Operation> = AuthResult<OutputOf<Op>>;

/** Handles an operation below `/auth/`; its output describes the body. */
export function authEntry<Op extends Operation>(
  operation: Op,
  handling: HandlerOf<Op, AuthResultOf<Op>>,
): OperationEntry {
  return answerEntry<Op, AuthResultOf<Op>>(operation, handling, ({ body }) => body);
}
