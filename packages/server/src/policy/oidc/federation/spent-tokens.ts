import type { Sql } from '#engines/database/contract.ts';
import { secretDigest } from '#lib/crypto/digests.ts';

/** Longer than any difference of clocks that is tolerated. */
const GRACE_SECONDS = 300;

/** Marks a foreign token as used until it expires. Returns false if it was used before. */
export async function spendToken(sql: Sql, issuer: string, id: string, expiresAt: number): Promise<boolean> {
  const rows = await sql.query(
    `insert into policy.exchanged_token (digest, expires_at) values ($1, to_timestamp($2))
     on conflict (digest) do nothing returning 1`,
    [secretDigest(JSON.stringify([issuer, id])), expiresAt + GRACE_SECONDS],
    'spend_token',
  );
  return rows.length > 0;
}
