/** What the attempts of the last minutes held, for fair sharing after a restart. */
import type { Sql } from '#engines/database/contract.ts';

/** Attempts of one project with equal requests. */
export interface RecentSteps {
  readonly projectId: string;
  readonly requests: Readonly<Record<string, number>>;
  /** Sum of their durations in milliseconds; each moment counts half for each half-life since then. */
  readonly decayedMs: number;
}

/** Interface: how the executions ledger reads recent attempts of all projects. */
export type ReadRecentSteps = (sql: Sql, halfLifeMs: number) => Promise<readonly RecentSteps[]>;

/** Half-lives after which an attempt no longer matters. */
const HALF_LIVES = 6;

/** Milliseconds since a time. */
const since = (time: string) => `greatest(0, extract(epoch from clock_timestamp() - ${time})::float8 * 1000)`;

/** The transaction must have access to all projects. */
export const readRecentSteps: ReadRecentSteps = async (sql, halfLifeMs) =>
  await sql.query<RecentSteps>(
    `select project_id as "projectId", requests, coalesce(sum($1::float8 / ln(2::float8)
         * (power(2::float8, -${since('ended_at')} / $1) - power(2::float8, -${since('started_at')} / $1))), 0) as "decayedMs"
     from usage.record
     where type = 'step' and corrects is null and ended_at >= clock_timestamp() - $1 * ${HALF_LIVES} * interval '1 millisecond'
     group by 1, 2`,
    [halfLifeMs],
    'usage_recent_steps',
  );
