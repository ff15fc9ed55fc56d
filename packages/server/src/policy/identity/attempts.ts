/**
 * Limits attempts to guess secrets. Attempts are counted in the database before they run, so that concurrent attempts
 * on several replicas count. Keys are digests, because users sometimes type passwords into the wrong field.
 */
import { isIPv6 } from 'node:net';
import { DaisError } from '@dais/api';
import type { Database } from '#engines/database/contract.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import { transact } from '#kernel/transaction.ts';
import { secretDigest } from '#lib/crypto/digests.ts';

export interface AttemptLimit {
  /** What is counted together: `login account ada`. */
  readonly key: string;
  /** Most attempts within `windowMs`. */
  readonly most: number;
  readonly windowMs: number;
}

/** Whether this attempt is the first one that was too much. */
export interface TooMany {
  readonly first: boolean;
  readonly error: DaisError;
}

/** Counts one attempt against every limit; returns undefined if the attempt may continue. */
export async function countAttempt(database: Database, limits: readonly AttemptLimit[]): Promise<TooMany | undefined> {
  const rows = await transact(database, { mode: 'write', projectId: ORGANIZATION }, async ({ sql }) => {
    return await sql.query<{ place: number; count: number; left_ms: number }>(
      `with wanted as (
         select * from unnest($1::bytea[], $2::float8[]) with ordinality w(digest, window_ms, place)
       ), counted as (
         insert into policy.attempt as a (digest, count) select digest, 1 from wanted order by digest
         on conflict (digest) do update set
           count = case when a.window_start < clock_timestamp() - (select min(window_ms) from wanted where digest = a.digest) * interval '1 millisecond'
             then 1 else least(a.count, 1000000) + 1 end,
           window_start = case when a.window_start < clock_timestamp() - (select min(window_ms) from wanted where digest = a.digest) * interval '1 millisecond'
             then clock_timestamp() else a.window_start end
         returning digest, count, window_start
       )
       select w.place::int as place, c.count,
         extract(epoch from c.window_start - clock_timestamp())::float8 * 1000 + w.window_ms as left_ms
       from counted c join wanted w using (digest)`,
      [limits.map(({ key }) => secretDigest(key)), limits.map(({ windowMs }) => windowMs)],
      'count_attempt',
    );
  });
  const over = rows.filter(({ place, count }) => count > (limits[place - 1]?.most ?? 0));
  if (over.length === 0) return undefined;
  const seconds = Math.max(1, ...over.map(({ left_ms }) => Math.ceil(left_ms / 1000)));
  return {
    first: over.some(({ place, count }) => count === (limits[place - 1]?.most ?? 0) + 1),
    error: new DaisError('rate_limited', `Too many attempts. Retry in ${seconds} s.`, {
      retryAfter: seconds,
    }),
  };
}

/** The attempt succeeded: resets the counters in `forget`, and decrements those in `refund` by one. */
export async function creditAttempt(
  database: Database,
  { forget, refund }: { readonly forget: readonly AttemptLimit[]; readonly refund: readonly AttemptLimit[] },
): Promise<void> {
  const digests = (limits: readonly AttemptLimit[]) => limits.map(({ key }) => secretDigest(key));
  await transact(database, { mode: 'write', projectId: ORGANIZATION }, async ({ sql }) => {
    await sql.query(
      'update policy.attempt set count = case when digest = any($1::bytea[]) then 0 else count - 1 end where digest = any($1::bytea[] || $2::bytea[]) and count > 0',
      [digests(forget), digests(refund)],
      'credit_attempt',
    );
  });
}

/** Groups addresses by their owner: an IPv6 /64 is one household, and costs an attacker nothing. */
export function addressGroup(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !isIPv6(address)) return mapped ?? address;
  const [head = '', tail = ''] = address.split('%')[0]?.toLowerCase().split('::') ?? [];
  const left = head === '' ? [] : head.split(':');
  const right = tail === '' ? [] : tail.split(':');
  const filled = address.includes('::')
    ? [...left, ...Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0'), ...right]
    : left;
  return `${filled
    .slice(0, 4)
    .map((part) => part.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
