/** Requests per gateway and minute in the database. */
import type { Sql } from '#engines/database/contract.ts';
import { findTenant } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { MinuteCounts } from './gateway-counts.ts';
import { packCounters, unpackCounters, type Counters, type PackedLatency } from './counters.ts';

export const COUNT_MINUTE_MS = 60_000;
/** Decisions read minutes; the rest is for an operator who checks one. */
const KEPT_MS = 86_400_000;
const SLICE = 5000;

/** Returns the start of the current minute by the clock of the database, in milliseconds since 1970. */
export async function currentMinute(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ now: bigint }>(
    'select (extract(epoch from clock_timestamp()) * 1000)::bigint as now',
    [],
    'database_time',
  );
  return minuteOf(Number(row?.now ?? 0));
}

const minuteOf = (at: number) => at - (at % COUNT_MINUTE_MS);

export interface CountWriter {
  readonly node: string;
  /** The control process. */
  readonly writer: string;
}

/** Requests of deleted projects are skipped. */
export async function storeCounts(
  { sql }: Transaction,
  { node, writer }: CountWriter,
  counts: readonly MinuteCounts[],
): Promise<void> {
  const ids = new Map<string, string>();
  for (const name of new Set(counts.map(({ project }) => project))) {
    const tenant = await findTenant(sql, name);
    if (tenant !== undefined) ids.set(name, tenant.id);
  }
  const known = counts.flatMap((one) => {
    const projectId = ids.get(one.project);
    return projectId === undefined ? [] : [{ ...one, projectId, packed: packCounters(one.counters) }];
  });
  if (known.length === 0) return;
  await sql.query(
    `insert into serving.gateway_minute as g
       (project_id, endpoint, minute, node, writer, variant, model, requests, failed, latency)
     select project_id, endpoint, minute, $1, $2, variant, model, requests, failed, latency::jsonb
     from unnest($3::uuid[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::text[])
       as t (project_id, endpoint, minute, variant, model, requests, failed, latency)
     on conflict (project_id, endpoint, minute, node, writer, variant, model) do update
       set requests = excluded.requests, failed = excluded.failed, latency = excluded.latency
       where g.requests < excluded.requests`,
    [
      node,
      writer,
      known.map(({ projectId }) => projectId),
      known.map(({ endpoint }) => endpoint),
      known.map(({ minute }) => minute),
      known.map(({ variant }) => variant),
      known.map(({ model }) => model),
      known.map(({ packed }) => packed.requests),
      known.map(({ packed }) => packed.failed),
      known.map(({ packed }) => JSON.stringify(packed.latency)),
    ],
    'store_gateway_counts',
  );
}

/** Requests of all gateways to one variant with one model in one minute, in the transaction's project. */
export interface StoredCounts {
  readonly minute: number;
  readonly variant: string;
  readonly model: string;
  readonly counters: Counters;
}

/** All but the time is null where there are no counts. */
interface CountRow {
  readonly now: bigint;
  readonly minute: bigint | null;
  readonly variant: string | null;
  readonly model: string | null;
  readonly requests: bigint | null;
  readonly failed: bigint | null;
  readonly latency: PackedLatency | null;
}

/** `from`: the first minute; undefined: the previous one. `models`: keys. */
export async function readCounts(
  { sql, projectId }: Transaction,
  of: { readonly endpoint: string; readonly models: readonly string[]; readonly from: number | undefined },
): Promise<{ readonly minute: number; readonly counts: readonly StoredCounts[] }> {
  const rows = await sql.query<CountRow>(
    `select t.now, g.minute, g.variant, g.model, g.requests, g.failed, g.latency
     from (select (extract(epoch from clock_timestamp()) * 1000)::bigint as now) as t
     left join serving.gateway_minute as g on g.project_id = $1 and g.endpoint = $2 and g.model = any($3::text[])
       and g.minute >= least($4::bigint, t.now - t.now % ${COUNT_MINUTE_MS} - ${COUNT_MINUTE_MS})`,
    [projectId, of.endpoint, of.models, of.from ?? null],
    'read_gateway_counts',
  );
  return {
    minute: minuteOf(Number(rows[0]?.now ?? 0)),
    counts: rows.flatMap(({ minute, variant, model, requests, failed, latency }) =>
      minute === null || variant === null || model === null || latency === null
        ? []
        : [
            {
              minute: Number(minute),
              variant,
              model,
              counters: unpackCounters({ requests: Number(requests), failed: Number(failed), latency }),
            },
          ],
    ),
  };
}

/** Deletes counts that are older than a day. Returns how many. */
export async function dropOldCounts(tx: Transaction): Promise<number> {
  const rows = await tx.sql.query(
    `delete from serving.gateway_minute where (project_id, endpoint, minute, node, writer, variant, model) in (
       select project_id, endpoint, minute, node, writer, variant, model from serving.gateway_minute
       where minute < (extract(epoch from clock_timestamp()) * 1000)::bigint - ${KEPT_MS} limit ${SLICE}) returning 1`,
    [],
    'old_gateway_counts',
  );
  return rows.length;
}

export const COUNT_SLICE = SLICE;
