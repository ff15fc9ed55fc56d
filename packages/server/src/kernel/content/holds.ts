import { DaisError } from '@dais/api/errors';
import type { Sql } from '#engines/database/contract.ts';

/**
 * Adds one hold of a project on a blob. The caller has locked the blob's row and seen that it is not being deleted, so
 * that the collector, which locks it too, either sees this hold or has won before.
 * @throws DaisError `quota_exceeded` when the project did not hold the bytes before and they do not fit.
 */
export async function addHold(
  sql: Sql,
  hold: { readonly projectId: string; readonly locator: string; readonly size: number; readonly quota: number | null },
): Promise<void> {
  const [usage] = await sql.query<{ bytes: bigint }>(
    `with hold as (
       insert into kernel.blob_hold as h (project_id, locator, size, holds) values ($1, $2, $3, 1)
       on conflict (project_id, locator) do update
         set holds = h.holds + 1, size = case when h.holds = 0 then excluded.size else h.size end
       returning holds)
     insert into kernel.blob_usage as u (project_id, bytes) select $1, $3 from hold where holds = 1
     on conflict (project_id) do update set bytes = u.bytes + excluded.bytes
     returning bytes`,
    [hold.projectId, hold.locator, hold.size],
    'content_add_hold',
  );
  // No row: the project has a hold on these bytes already, and they count once.
  if (usage === undefined || hold.quota === null || usage.bytes <= BigInt(hold.quota)) return;
  const before = usage.bytes - BigInt(hold.size);
  const detail = `${hold.size} bytes exceed the quota: the project uses ${before} of ${hold.quota} bytes`;
  throw new DaisError('quota_exceeded', detail);
}

export interface ReleasedHold {
  readonly project_id: string;
  readonly locator: string;
}

/**
 * Removes holds, one per item. Bytes without a hold of the project no longer count, and a blob without a hold of this
 * project becomes a candidate: only the collector sees holds of other projects.
 */
export async function releaseHolds(sql: Sql, released: readonly ReleasedHold[]): Promise<void> {
  if (released.length === 0) return;
  const projects = released.map((hold) => hold.project_id);
  const locators = released.map((hold) => hold.locator);
  // Blob rows first and in order, as everybody locks them: otherwise an upload of the same content is a deadlock.
  await sql.query(
    `select 1 from kernel.blob where locator = any($1::text[]) order by locator for update`,
    [locators],
    'content_lock_blobs',
  );
  await sql.query(
    `with item as (
       select project_id, locator, count(*) as n from unnest($1::uuid[], $2::text[]) as i (project_id, locator)
       group by 1, 2
     ), hold as (
       update kernel.blob_hold h set holds = h.holds - item.n from item
       where h.project_id = item.project_id and h.locator = item.locator
       returning h.project_id, h.locator, h.size, h.holds
     ), freed as (
       select project_id, locator, size from hold where holds = 0
     ), counted as (
       update kernel.blob_usage u set bytes = u.bytes - f.bytes
       from (select project_id, sum(size)::bigint as bytes from freed group by 1) f where u.project_id = f.project_id
     )
     update kernel.blob set state = 'candidate', touched_at = clock_timestamp()
     where locator in (select locator from freed)`,
    [projects, locators],
    'content_release_holds',
  );
}

/** Creates rows for blobs of the store without one, so that the collector checks them. Returns their number. */
export async function adoptBlobs(
  sql: Sql,
  blobs: readonly { readonly locator: string; readonly size: number }[],
): Promise<number> {
  const rows = await sql.query(
    `insert into kernel.blob (locator, size) select * from unnest($1::text[], $2::bigint[])
     on conflict do nothing returning 1`,
    [blobs.map((blob) => blob.locator), blobs.map((blob) => blob.size)],
    'content_adopt',
  );
  return rows.length;
}
