import type { Operation, OutputOf } from '@dais/api';
import { answerEntry, type HandlingOf, type OperationEntry } from '#kernel/entry.ts';
import type { CookieWish } from '#lib/cookies.ts';

/**
 * What an operation below `/auth/` gives: the body that its caller sees, and what only a browser is told. Cookies never
 * stand in a body, so that no script and no log sees them.
 */
export interface AuthAnswer<Body = unknown> {
  readonly body: Body;
  readonly cookies?: readonly CookieWish[];
  /** A path of this server (see oidc/return-path.ts) or the address of an identity provider; the answer is then a redirect. */
  readonly redirect?: string;
}

export type AuthAnswerOf<Op extends Operation> = AuthAnswer<OutputOf<Op>>;

/** Handles an operation below `/auth/`; its output describes the body. */
export function authEntry<Op extends Operation>(
  operation: Op,
  handling: HandlingOf<Op, AuthAnswerOf<Op>>,
): OperationEntry {
  return answerEntry<Op, AuthAnswerOf<Op>>(operation, handling, ({ body }) => body);
}
