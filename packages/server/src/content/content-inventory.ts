/** The blob store listed against the database. */
import type { BlobStore } from '#engines/blobs/contract.ts';
import type { Database, Sql } from '#engines/database/contract.ts';
import { adoptBlobs } from '#kernel/content/holds.ts';
import { transact } from '#kernel/transaction.ts';

export interface InventoryReport {
  readonly listed: number;
  /**
   * Blobs without a row, now candidates: an older backup of the database was restored, or a row was deleted before its
   * file.
   */
  readonly adopted: number;
  /** The first 100 referenced locators that the store does not contain. */
  readonly missing: readonly string[];
}

const PAGE = 1000;
const NAMED = 100;

/**
 * Compares the whole store with the database, in order and with flat memory. Blobs that the database does not know
 * become candidates and are collected after the grace period: the store must belong to this database alone.
 * @throws DaisError `blobs_unavailable`, `database_unavailable`; the signal's reason when it is aborted.
 */
export async function takeInventory(
  database: Database,
  blobs: BlobStore,
  signal: AbortSignal,
): Promise<InventoryReport> {
  const write = async <T>(work: (sql: Sql) => Promise<T>): Promise<T> =>
    await transact(database, { mode: 'write', projectId: 'all' }, async ({ sql }) => await work(sql));
  let [listed, adopted] = [0, 0];
  const absent: string[] = [];
  let from = '';
  let page: { locator: string; size: number }[] = [];
  const compare = async (to: string | null): Promise<void> => {
    const found = await write(async (sql) => await comparePage(sql, page, from, to));
    listed += page.length;
    adopted += found.adopted;
    absent.push(...found.absent.slice(0, NAMED - absent.length));
    from = to ?? from;
    page = [];
  };
  for await (const { locator, size } of blobs.list()) {
    signal.throwIfAborted();
    page.push({ locator, size });
    if (page.length === PAGE) await compare(locator);
  }
  await compare(null);
  // Content that was added or deleted during the listing is not missing.
  const gone: string[] = [];
  for (const locator of absent) if ((await blobs.stat(locator)) === undefined) gone.push(locator);
  const missing = await write(async (sql) => {
    return await sql.query<{ locator: string }>(
      'select distinct locator from kernel.blob_ref where locator = any($1) order by locator',
      [gone],
    );
  });
  return { listed, adopted, missing: missing.map(({ locator }) => locator) };
}

/** Adopts objects without a row; returns the referenced locators between the two that were not listed. */
async function comparePage(
  sql: Sql,
  page: readonly { readonly locator: string; readonly size: number }[],
  from: string,
  to: string | null,
): Promise<{ readonly adopted: number; readonly absent: readonly string[] }> {
  const adopted = await adoptBlobs(sql, page);
  const absent = await sql.query<{ locator: string }>(
    `select locator from kernel.blob b where locator > $1 and ($2::text is null or locator <= $2)
       and not locator = any($3) and exists (select from kernel.blob_ref r where r.locator = b.locator)
     order by locator limit ${NAMED}`,
    [from, to, page.map(({ locator }) => locator)],
    'content_absent',
  );
  return { adopted, absent: absent.map(({ locator }) => locator) };
}
