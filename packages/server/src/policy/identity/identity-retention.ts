import type { JobHandler } from '#kernel/job-runner.ts';

/** Retention of ended sessions, tokens and invitations in days, for investigations. */
const KEPT_DAYS = 30;
/** Rows per statement: short locks, and a place to stop. */
const SLICE = 5000;

const SWEEPS = [
  [
    'sessions',
    'policy.session',
    'id',
    `least(expires_at, coalesce(ended_at, 'infinity')) < clock_timestamp() - interval '${KEPT_DAYS} days'`,
  ],
  [
    'tokens',
    'policy.token',
    'id',
    `least(expires_at, coalesce(revoked_at, 'infinity')) < clock_timestamp() - interval '${KEPT_DAYS} days'`,
  ],
  [
    'invitations',
    'policy.invitation',
    'id',
    `least(expires_at, coalesce(accepted_at, 'infinity'), coalesce(revoked_at, 'infinity')) < clock_timestamp() - interval '${KEPT_DAYS} days'`,
  ],
  // No worker manages their steps any more.
  ['stepTokens', 'policy.step_token', 'digest', `expires_at < clock_timestamp() - interval '${KEPT_DAYS} days'`],
  // Longer than any window in which attempts are counted.
  ['attempts', 'policy.attempt', 'digest', `window_start < clock_timestamp() - interval '1 day'`],
] as const;

/** Removes what has ended, every hour. */
export const identityRetention: JobHandler = {
  queue: 'identity-retention',
  concurrency: 1,
  perProject: 1,
  retry: { baseMs: 1000, capMs: 60_000 },
  every: { firstMs: 120_000, againMs: 3_600_000 },
  async run(_job, io) {
    const removed: Record<string, number> = {};
    for (const [what, table, key, ended] of SWEEPS) {
      removed[what] = 0;
      for (let rows = SLICE; rows === SLICE && !io.signal.aborted; removed[what] += rows) {
        rows = await io.write(async ({ sql }) => {
          const gone = await sql.query(
            `delete from ${table} where ${key} in (select ${key} from ${table} where ${ended} limit ${SLICE}) returning 1`,
            [],
            `sweep_${what}`,
          );
          return gone.length;
        });
      }
    }
    return removed;
  },
};
