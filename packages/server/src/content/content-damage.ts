/** Which stored objects are known to be damaged; see `findReadable` for how readers are refused. */
import type { DamageKind, ExpectedObject, FoundDamage } from '#engines/blobs/contract.ts';
import type { Database, Sql } from '#engines/database/contract.ts';
import type { DamagedReference } from '#kernel/content/owner-names.ts';
import { transact } from '#kernel/transaction.ts';

/**
 * Marks an object as damaged. Returns false when it was marked before, or when it is no object that anything refers to:
 * an object that is being stored or deleted at this moment is not damaged.
 */
export async function markDamaged(database: Database, found: FoundDamage): Promise<boolean> {
  return await transact(database, { mode: 'write', projectId: 'all' }, async ({ sql }) => {
    const rows = await sql.query<{ is_new: boolean }>(
      `insert into kernel.blob_damage as d (locator, kind)
       select b.locator, case when $2 = 'altered' and $3::bigint < b.size then 'truncated' else $2 end
       from kernel.blob b where b.locator = $1 and b.state <> 'deleting'
         and exists (select from kernel.blob_ref r where r.locator = b.locator)
       on conflict (locator) do update set kind = excluded.kind
       returning xmax = 0 as is_new`,
      [found.locator, found.kind, found.size ?? null],
      'content_mark_damaged',
    );
    return rows[0]?.is_new === true;
  });
}

/** The database record of an object; undefined for an unknown locator. */
export async function expectedObject(database: Database, locator: string): Promise<ExpectedObject | undefined> {
  return await transact(database, { mode: 'read', projectId: 'all' }, async ({ sql }) => {
    const [row] = await sql.query<{ sha256: string | null; size: bigint }>(
      `select encode(digest, 'hex') as sha256, size from kernel.blob where locator = $1`,
      [locator],
      'content_expected',
    );
    return row === undefined ? undefined : { sha256: row.sha256, size: Number(row.size) };
  });
}

/** The sums of the chunks of a large object. */
export async function readSums(database: Database, locator: string): Promise<Buffer | undefined> {
  return await transact(database, { mode: 'read', projectId: 'all' }, async ({ sql }) => {
    const [row] = await sql.query<{ sums: Buffer }>(
      'select sums from kernel.blob_sums where locator = $1',
      [locator],
      'content_sums',
    );
    return row?.sums;
  });
}

/** Stores the checksums, unless the object was deleted concurrently. */
export async function writeSums(database: Database, locator: string, sums: Buffer): Promise<void> {
  await transact(database, { mode: 'write', projectId: 'all' }, async ({ sql }) => {
    await sql.query(
      `insert into kernel.blob_sums (locator, sums) select locator, $2 from kernel.blob where locator = $1
       on conflict (locator) do update set sums = excluded.sums`,
      [locator, sums],
      'content_keep_sums',
    );
  });
}

export interface DamagedObject {
  readonly locator: string;
  readonly sha256: string | null;
  readonly size: number;
  readonly kind: DamageKind;
  readonly foundAt: Date;
  /** The first 20 owners of references to it. */
  readonly references: readonly DamagedReference[];
}

/** Damaged objects in locator order, from after `after`. The transaction must see all projects. */
export async function listDamaged(sql: Sql, page: { readonly after: string; readonly limit: number }) {
  const rows = await sql.query<Omit<DamagedObject, 'size'> & { readonly size: bigint }>(
    `select d.locator, encode(b.digest, 'hex') as sha256, b.size, d.kind, d.found_at as "foundAt",
       coalesce((select jsonb_agg(jsonb_build_object('projectId', r.project_id, 'owner', r.owner, 'name', r.name))
         from (select * from kernel.blob_ref r where r.locator = d.locator order by project_id, owner, name limit 20) r), '[]')
         as references
     from kernel.blob_damage d join kernel.blob b using (locator)
     where d.locator > $1 and exists (select from kernel.blob_ref r where r.locator = d.locator) order by d.locator limit $2`,
    [page.after, page.limit],
    'content_damaged',
  );
  return rows.map((row): DamagedObject => ({ ...row, size: Number(row.size) }));
}
