/** Sign-ins that wait for a provider; the same rows as those of OpenID Connect, with the answer in between. */
import { createHash } from 'node:crypto';
import type { Sql } from '#engines/database/contract.ts';
import { secretDigest } from '#lib/crypto/digests.ts';
import type { Person } from '#policy/oidc/person-claims.ts';

/** The ID of the request; an XML ID starts with a letter or an underscore. */
export function requestIdOf(state: string): string {
  return `_${createHash('sha256').update(`dais/saml/request/v1\0${state}`).digest('hex')}`;
}

/** Whether a browser waits for an answer of the provider. */
export async function isAwaited(sql: Sql, state: string, provider: string): Promise<boolean> {
  const rows = await sql.query(
    `select 1 from policy.sign_in where state_digest = $1 and provider = $2 and answer is null
       and expires_at > clock_timestamp()`,
    [secretDigest(state), provider],
    'is_sign_in_awaited',
  );
  return rows.length > 0;
}

/** Stores the only answer to a request. Returns false if there is one, or if the request expired. */
export async function putAnswer(sql: Sql, state: string, provider: string, person: Person): Promise<boolean> {
  const rows = await sql.query(
    `update policy.sign_in set answer = $3 where state_digest = $1 and provider = $2 and answer is null
       and expires_at > clock_timestamp() returning 1`,
    [secretDigest(state), provider, JSON.stringify(person)],
    'put_sign_in_answer',
  );
  return rows.length > 0;
}

export interface TakenAnswer {
  readonly person: Person;
  /** Path of this server. */
  readonly next: string;
}

/** Consumes the answer for the browser that started the sign-in; undefined for another browser, or without an answer. */
export async function takeAnswer(
  sql: Sql,
  { state, browser, provider }: { readonly state: string; readonly browser: string; readonly provider: string },
): Promise<TakenAnswer | undefined> {
  const [row] = await sql.query<{ next: string; answer: Person; holds: boolean }>(
    `delete from policy.sign_in where state_digest = $1 and browser_digest = $2 and provider = $3 and answer is not null
     returning next, answer, expires_at > clock_timestamp() as holds`,
    [secretDigest(state), secretDigest(browser), provider],
    'take_sign_in_answer',
  );
  return row?.holds === true ? { person: row.answer, next: row.next } : undefined;
}
