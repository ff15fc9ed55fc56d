/** Intervals of replicas that have not ended. All times are of the database. */
import type { Sql } from '#engines/database/contract.ts';
import { readResource } from '#kernel/store.ts';
import { findTenant } from '#kernel/tenants.ts';
import { uuidv7 } from '#lib/ids.ts';
import type { Replica } from './replicas-of.ts';

/** The gateway process of a node. */
export interface GatewayProcess {
  /** Id of the node. */
  readonly node: string;
  /** Host name. */
  readonly host: string;
  /** Start of the gateway, as it reports it. */
  readonly gateway: string;
}

export interface OpenReplica extends Replica {
  readonly id: string;
  readonly gateway: string;
}

/** After this time without contact, an interval ended at its last contact. */
export const LOST_SECONDS = 300;

export async function readOpenReplicas(sql: Sql, node: string): Promise<readonly OpenReplica[]> {
  return await sql.query<OpenReplica>(
    `select id, gateway, project, endpoint, variant, slot, replicas from usage.open_replica where node = $1`,
    [node],
    'usage_open_replicas',
  );
}

/** Starts intervals now. Replicas of a project that was deleted meanwhile are skipped. */
export async function openReplicas(
  sql: Sql,
  { node, host, gateway }: GatewayProcess,
  replicas: readonly Replica[],
): Promise<readonly OpenReplica[]> {
  const known: (Replica & { readonly projectId: string; readonly uid: string | undefined })[] = [];
  for (const replica of replicas) {
    const tenant = await findTenant(sql, replica.project);
    if (tenant === undefined) continue;
    const resource = await readResource(sql, tenant.id, 'Endpoint', replica.endpoint);
    known.push({ ...replica, projectId: tenant.id, uid: resource?.uid });
  }
  return await sql.query<OpenReplica>(
    `insert into usage.open_replica (id, project_id, project, node, host, gateway, endpoint, endpoint_uid, variant, slot, replicas,
       started_at, contacted_at)
     select v.id, v.project_id, v.project, $1, $2, $3, v.endpoint, v.endpoint_uid, v.variant, v.slot, v.replicas, now.at, now.at
     from unnest($4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::uuid[], $9::text[], $10::text[], $11::float8[])
         as v (id, project_id, project, endpoint, endpoint_uid, variant, slot, replicas)
       cross join (select clock_timestamp() as at) now
     returning id, gateway, project, endpoint, variant, slot, replicas`,
    [
      node,
      host,
      gateway,
      known.map(() => uuidv7()),
      known.map(({ projectId }) => projectId),
      known.map(({ project }) => project),
      known.map(({ endpoint }) => endpoint),
      known.map(({ uid }) => uid ?? null),
      known.map(({ variant }) => variant),
      known.map(({ slot }) => slot),
      known.map((one) => one.replicas),
    ],
    'usage_open_replica',
  );
}

/** Records that the replicas are there. Returns the ids of those whose interval is still open. */
export async function contactReplicas(sql: Sql, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await sql.query<{ id: string }>(
    `update usage.open_replica set contacted_at = greatest(contacted_at, clock_timestamp()) where id = any($1::uuid[])
     returning id`,
    [ids],
    'usage_contact_replicas',
  );
  return new Set(rows.map(({ id }) => id));
}

/**
 * Inserts records for the table `done` of intervals from `started_at` to `ended_at`, one for each hour that they touch. The id
 * of the interval and the start identify a record.
 */
const RECORDS = `insert into usage.record (project_id, project, team, type, source, started_at, ended_at, quantity, unit, resource,
       lineage, node, requests)
     select d.project_id, d.project, p.team, 'replica', d.id::text || '/' || extract(epoch from s.low)::text, s.low, s.high,
       extract(epoch from s.high - s.low) * d.replicas, 'replica-second', 'Endpoint/' || d.endpoint, 'endpoint:' || d.endpoint_uid::text,
       d.host, jsonb_build_object('replicas', d.replicas)
     from done d
       left join usage.project p on p.project_id = d.project_id
       cross join lateral generate_series(date_trunc('hour', d.started_at, 'UTC'), d.ended_at, interval '1 hour') as h (at)
       cross join lateral (select greatest(h.at, d.started_at) as low, least(h.at + interval '1 hour', d.ended_at) as high) s
     where s.high > s.low
     on conflict do nothing`;

/** Ends intervals when their replicas were last seen: `seenMsAgo` milliseconds ago, or, if that is unknown, at their last contact. */
export async function closeReplicas(
  sql: Sql,
  ids: readonly string[],
  seenMsAgo: number | undefined,
): Promise<readonly string[]> {
  const rows = await sql.query<{ id: string }>(
    `with ended as (delete from usage.open_replica where id = any($1::uuid[]) returning *),
     done as (select e.*, greatest(e.contacted_at, clock_timestamp() - make_interval(secs => $2::float8 / 1000)) as ended_at from ended e),
     recorded as (${RECORDS})
     select id from done`,
    [ids, seenMsAgo ?? null],
    'usage_close_replicas',
  );
  return rows.map(({ id }) => id);
}

/** Ends the intervals of all nodes whose last contact is too long ago, at that contact. Returns their number. */
export async function closeLostReplicas(sql: Sql): Promise<number> {
  const rows = await sql.query<{ id: string }>(
    `with ended as (
       delete from usage.open_replica where contacted_at < clock_timestamp() - make_interval(secs => $1) returning *
     ),
     done as (select e.*, e.contacted_at as ended_at from ended e),
     recorded as (${RECORDS})
     select id from done`,
    [LOST_SECONDS],
    'usage_close_lost_replicas',
  );
  return rows.length;
}

/** Records the whole hours of the open intervals of a node; the intervals continue from the current hour. */
export async function recordHours(sql: Sql, node: string): Promise<number> {
  const rows = await sql.query<{ id: string }>(
    `with done as (
       select o.*, date_trunc('hour', o.contacted_at, 'UTC') as ended_at from usage.open_replica o
       where o.node = $1 and o.started_at < date_trunc('hour', o.contacted_at, 'UTC') for update
     ),
     recorded as (${RECORDS})
     update usage.open_replica o set started_at = d.ended_at from done d where o.id = d.id returning o.id`,
    [node],
    'usage_record_hours',
  );
  return rows.length;
}
