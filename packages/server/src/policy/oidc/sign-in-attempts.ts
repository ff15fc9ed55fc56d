/**
 * Browsers that were redirected to a provider. State and cookie have 256 random bits each; the row contains digests of
 * both, and nonce and code verifier are derived from both. Nothing in the database is sufficient to complete a sign-in.
 */
import { createHash } from 'node:crypto';
import type { Sql } from '#engines/database/contract.ts';
import { secretDigest, type RandomSource } from '#lib/crypto/digests.ts';
import type { Challenge } from './provider-client.ts';

/** Name of the cookie that binds an attempt to the browser that started it, without the prefix for HTTPS. */
export const BROWSER_COOKIE = 'dais_login';
/** Long enough to find a phone with a second factor on it. */
export const ATTEMPT_SECONDS = 600;

export interface Attempt {
  readonly challenge: Challenge;
  /** The value of the cookie. */
  readonly browser: string;
}

export function makeAttempt(random: RandomSource): Attempt {
  const browser = random(32).toString('base64url');
  return { browser, challenge: challengeOf(random(32).toString('base64url'), browser) };
}

export function challengeOf(state: string, browser: string): Challenge {
  const derive = (purpose: string) =>
    createHash('sha256').update(`dais/sign-in/${purpose}/v1\0${state}\0${browser}`).digest('base64url');
  return { state, nonce: derive('nonce'), verifier: derive('verifier') };
}

export async function insertAttempt(
  sql: Sql,
  { challenge, browser }: Attempt,
  { provider, next }: { readonly provider: string; readonly next: string },
): Promise<void> {
  await sql.query(
    `insert into policy.sign_in (state_digest, browser_digest, provider, next, expires_at)
     values ($1, $2, $3, $4, clock_timestamp() + $5 * interval '1 second')`,
    [secretDigest(challenge.state), secretDigest(browser), provider, next, ATTEMPT_SECONDS],
    'put_sign_in',
  );
}

/**
 * Consumes an attempt and returns the return path. Undefined for another browser or provider, an expired or a used
 * attempt.
 */
export async function consumeAttempt(
  sql: Sql,
  state: string,
  browser: string,
  provider: string,
): Promise<string | undefined> {
  const [row] = await sql.query<{ next: string; holds: boolean }>(
    `delete from policy.sign_in where state_digest = $1 and browser_digest = $2 and provider = $3
     returning next, expires_at > clock_timestamp() as holds`,
    [secretDigest(state), secretDigest(browser), provider],
    'take_sign_in',
  );
  return row?.holds === true ? row.next : undefined;
}
