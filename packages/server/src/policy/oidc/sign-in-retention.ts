import type { JobHandler } from '#kernel/job-runner.ts';

const HOUR_MS = 3_600_000;

/** Deletes expired rows: uncompleted sign-ins, unapproved device grants and old spent tokens. */
export function signInRetention(): JobHandler {
  return {
    queue: 'sign-in retention',
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 10_000, capMs: HOUR_MS },
    every: { firstMs: HOUR_MS, againMs: HOUR_MS },
    run: async (_job, io) =>
      await io.write(async ({ sql }) => {
        await sql.query('delete from policy.sign_in where expires_at < clock_timestamp()');
        await sql.query('delete from policy.device_grant where expires_at < clock_timestamp()');
        await sql.query('delete from policy.spent_token where expires_at < clock_timestamp()');
      }),
  };
}
