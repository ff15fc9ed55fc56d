/** The pass of the scrub over all stored objects: one row, which survives restarts. */
import type { Sql } from '#engines/database/contract.ts';

export interface ScrubPass {
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  /** The locator up to which all objects are checked. */
  readonly position: string;
  readonly objects: number;
  readonly bytes: number;
  readonly found: number;
  readonly totalObjects: number;
  readonly totalBytes: number;
}

/** Referenced objects: unreferenced ones are deleted soon. */
const HELD = `state <> 'deleting' and exists (select from kernel.blob_ref r where r.locator = b.locator)`;

export async function readScrubPass(sql: Sql): Promise<ScrubPass | undefined> {
  const [row] = await sql.query<Record<keyof ScrubPass, unknown>>(
    `select started_at as "startedAt", finished_at as "finishedAt", position, objects, bytes, found,
       total_objects as "totalObjects", total_bytes as "totalBytes" from kernel.content_scrub`,
    [],
    'scrub_read',
  );
  if (row === undefined) return undefined;
  return {
    startedAt: row.startedAt as Date,
    finishedAt: row.finishedAt as Date | null,
    position: String(row.position),
    objects: Number(row.objects),
    bytes: Number(row.bytes),
    found: Number(row.found),
    totalObjects: Number(row.totalObjects),
    totalBytes: Number(row.totalBytes),
  };
}

/**
 * Starts a pass unless one runs. With `everyDays`, only when the last one started so long ago. Returns whether it did.
 */
export async function startScrubPass(sql: Sql, everyDays?: number): Promise<boolean> {
  const rows = await sql.query(
    `insert into kernel.content_scrub as s (total_objects, total_bytes)
     select count(*), coalesce(sum(size), 0) from kernel.blob b where ${HELD}
     on conflict (id) do update set started_at = clock_timestamp(), finished_at = null, position = '', objects = 0,
       bytes = 0, found = 0, total_objects = excluded.total_objects, total_bytes = excluded.total_bytes
       where s.finished_at is not null
         and ($1::int is null or s.started_at < clock_timestamp() - $1 * interval '1 day')
     returning 1`,
    [everyDays ?? null],
    'scrub_start',
  );
  return rows.length > 0;
}

/** The next objects of the pass, in locator order. */
export async function nextScrubObjects(
  sql: Sql,
  after: string,
  limit: number,
): Promise<readonly { readonly locator: string; readonly size: number }[]> {
  const rows = await sql.query<{ locator: string; size: bigint }>(
    `select locator, size from kernel.blob b where locator > $1 and ${HELD} order by locator limit $2`,
    [after, limit],
    'scrub_objects',
  );
  return rows.map(({ locator, size }) => ({ locator, size: Number(size) }));
}

export interface ScrubStep {
  readonly position: string;
  readonly objects: number;
  readonly bytes: number;
  readonly found: number;
}

/** Adds what was checked since the last call. */
export async function recordScrubStep(sql: Sql, step: ScrubStep): Promise<void> {
  await sql.query(
    `update kernel.content_scrub set position = $1, objects = objects + $2, bytes = bytes + $3, found = found + $4
     where finished_at is null`,
    [step.position, step.objects, step.bytes, step.found],
    'scrub_step',
  );
  await sql.query(
    'update kernel.content_checked set objects = objects + $1, bytes = bytes + $2',
    [step.objects, step.bytes],
    'scrub_checked',
  );
}

export async function finishScrubPass(sql: Sql): Promise<void> {
  await sql.query(
    'update kernel.content_scrub set finished_at = clock_timestamp() where finished_at is null',
    [],
    'scrub_finish',
  );
}

export interface ContentHealth {
  /** Objects that are damaged now. */
  readonly damaged: number;
  /** Checked by all passes together. */
  readonly checkedObjects: number;
  readonly checkedBytes: number;
  /** Of the current or last pass, from 0 to 1; undefined before the first one. */
  readonly progress: number | undefined;
}

export async function readContentHealth(sql: Sql): Promise<ContentHealth> {
  const [row] = await sql.query<{ damaged: number; objects: bigint; bytes: bigint; progress: number | null }>(
    `select (select count(*)::int from kernel.blob_damage d
         where exists (select from kernel.blob_ref r where r.locator = d.locator)) as damaged, objects, bytes,
       (select case when finished_at is not null then 1
          else least(1, bytes::float8 / greatest(total_bytes, 1)) end from kernel.content_scrub) as progress
     from kernel.content_checked`,
    [],
    'content_health',
  );
  return {
    damaged: row?.damaged ?? 0,
    checkedObjects: Number(row?.objects ?? 0n),
    checkedBytes: Number(row?.bytes ?? 0n),
    progress: row?.progress ?? undefined,
  };
}
