import type { Transaction } from '#kernel/transaction.ts';

/** The online freshness of a view, for its controller. */
export interface OnlineState {
  readonly underWay: boolean;
  /** Microseconds; undefined if never materialized. */
  readonly materializedTo: number | undefined;
  readonly materializedAt: Date | undefined;
  /** The error of the last materialization, if it failed. */
  readonly failure: { readonly error: string; readonly at: Date } | undefined;
}

export async function readOnlineState({ sql }: Transaction, view: string): Promise<OnlineState> {
  const [row] = await sql.query<{
    materialized_to: bigint | null;
    materialized_at: Date | null;
    state: string | null;
    error: string | null;
    finished_at: Date | null;
  }>(
    `select o.materialized_to, o.materialized_at, m.state, m.error, m.finished_at
     from (select $1::uuid as view) v
     left join features.online_view o on o.view = v.view
     left join lateral (
       select state, error, finished_at from features.materialization m where m.view = v.view order by id desc limit 1
     ) m on true`,
    [view],
    'read_online_state',
  );
  const failed = row?.state === 'failed' && row.error !== null && row.finished_at !== null;
  return {
    underWay: row?.state === 'pending' || row?.state === 'running',
    materializedTo: row?.materialized_to == null ? undefined : Number(row.materialized_to),
    materializedAt: row?.materialized_at ?? undefined,
    failure: failed ? { error: row.error ?? '', at: row.finished_at ?? new Date(0) } : undefined,
  };
}
