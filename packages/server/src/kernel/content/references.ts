import { DaisError } from '@dais/api';
import { blobLabel, type DamageKind } from '#engines/blobs/contract.ts';
import type { Sql } from '#engines/database/contract.ts';
import { addHold, releaseHolds } from '#kernel/content/holds.ts';
import type { Transaction } from '#kernel/transaction.ts';

/** The owner of content: a resource or a record, by uid. */
export interface ContentOwner {
  readonly projectId: string;
  readonly uid: string;
  /** What people call it: `dataset trips`. For errors; artifacts of a project are called by their names. */
  readonly label?: string;
}

type NamedContent = ContentOwner & { readonly name: string };

/** What people call the content of an owner. */
export const contentLabel = ({ projectId, uid, label }: ContentOwner, name: string) =>
  uid === projectId ? `artifact ${name}` : blobLabel(name, label);

export interface ContentInfo {
  readonly name: string;
  readonly size: number;
  /** Lower-case hex; null until the bytes of a direct upload were read. What must be sure of the bytes requires it. */
  readonly sha256: string | null;
}

export interface AttachOptions {
  /** Replaces the content of an existing name; without it `attach` returns an error. */
  readonly replace?: boolean;
}

export interface ContentPage {
  readonly prefix?: string;
  readonly after?: string;
  readonly limit: number;
}

const MAX_NAME_LENGTH = 1024;
const CONTROL = /\p{Cc}/u;

/**
 * Converts upload leases to references, in the owner's transaction. The bytes were counted at their upload, so this
 * takes no lock that other uploads of the project wait for.
 * @throws DaisError `content_missing` (a lease has expired, was used, or belongs to another project), `already_exists`,
 * `conflict` (a concurrent transaction created the name), `unsafe_path` (a name with control characters).
 */
export async function attachContent(
  tx: Transaction,
  owner: ContentOwner,
  entries: readonly { readonly lease: string; readonly name: string }[],
  options: AttachOptions = {},
): Promise<void> {
  await tx.enter(owner.projectId);
  const leases = await tx.sql.query<{ id: string; locator: string }>(
    'delete from kernel.upload_lease where id = any($1::uuid[]) and project_id = $2 returning id, locator',
    [entries.map((entry) => entry.lease), owner.projectId],
    'content_use_leases',
  );
  const locatorOf = new Map(leases.map((lease) => [lease.id, lease.locator]));
  const items = entries.map(({ lease, name }) => {
    const locator = locatorOf.get(lease);
    // Each lease is one hold: used twice it would count once and be released twice.
    if (!locatorOf.delete(lease) || locator === undefined) {
      throw new DaisError('content_missing', `the upload of ${name} has expired or was used already`);
    }
    return { name, locator };
  });
  await writeReferences(tx.sql, owner, items, options);
}

/**
 * Lets another owner point at content too, also one in another project: nothing is copied. The caller has checked that
 * both may be done.
 * @throws DaisError `content_missing`, `quota_exceeded`, and as `attachContent`.
 */
export async function linkContent(
  tx: Transaction,
  from: NamedContent,
  to: NamedContent,
  options: AttachOptions & { readonly quota: number | null },
): Promise<void> {
  const found = await findReference(tx, from);
  // From here on its last reference cannot go unseen: releasing it needs this lock, and so does the collector.
  await tx.sql.query('select 1 from kernel.blob where locator = $1 for update', [found.locator], 'content_lock_blob');
  const still = await findReference(tx, from);
  if (still.locator !== found.locator) throw new DaisError('conflict', `another request replaced ${from.name}`);
  await tx.enter(to.projectId);
  await addHold(tx.sql, { projectId: to.projectId, locator: found.locator, size: still.size, quota: options.quota });
  await writeReferences(tx.sql, to, [{ name: to.name, locator: found.locator }], options);
}

/** Removes the references of an owner, all or the named ones; missing names are ignored. Returns their number. */
export async function detachContent(tx: Transaction, owner: ContentOwner, names?: readonly string[]): Promise<number> {
  await tx.enter(owner.projectId);
  const gone = await tx.sql.query<{ project_id: string; locator: string }>(
    `delete from kernel.blob_ref where project_id = $1 and owner = $2 and ($3::text[] is null or name = any($3))
     returning project_id, locator`,
    [owner.projectId, owner.uid, names ?? null],
    'content_detach',
  );
  await releaseHolds(tx.sql, gone);
  return gone.length;
}

export interface FoundReference {
  readonly locator: string;
  readonly size: number;
  readonly sha256: string | null;
  /** Null unless the object is known to be damaged. */
  readonly damage: DamageKind | null;
}

/** @throws DaisError `not_found`. */
export async function findReference(tx: Transaction, { name, ...owner }: NamedContent): Promise<FoundReference> {
  const found = (await findReferences(tx, owner, [name])).get(name);
  if (found === undefined) throw new DaisError('not_found', `there is no content named ${name}`);
  return found;
}

/** Finds many names with one statement; missing names have no entry. */
export async function findReferences(tx: Transaction, { projectId, uid }: ContentOwner, names: readonly string[]) {
  await tx.enter(projectId);
  const rows = await tx.sql.query<Omit<FoundReference, 'size'> & { readonly name: string; readonly size: bigint }>(
    `select r.name, b.locator, b.size, encode(b.digest, 'hex') as sha256, d.kind as damage
     from kernel.blob_ref r join kernel.blob b using (locator) left join kernel.blob_damage d using (locator)
     where r.project_id = $1 and r.owner = $2 and r.name = any($3)`,
    [projectId, uid, names],
    'content_find',
  );
  return new Map(
    rows.map(({ name, size, ...row }): [string, FoundReference] => [name, { ...row, size: Number(size) }]),
  );
}

/** Names in byte order, from after `after`; `prefix` narrows them. */
export async function listReferences(tx: Transaction, owner: ContentOwner, page: ContentPage): Promise<ContentInfo[]> {
  await tx.enter(owner.projectId);
  const prefix = page.prefix ?? '';
  // Comparisons, not LIKE: row security lets only leakproof operators use an index. The highest character,
  // as often as a name has characters, is above every name with the prefix.
  const rows = await tx.sql.query<{ name: string; size: bigint; sha256: string | null }>(
    `select r.name, b.size, encode(b.digest, 'hex') as sha256 from kernel.blob_ref r join kernel.blob b using (locator)
     where r.project_id = $1 and r.owner = $2 and r.name >= $3 and r.name <= $3 || repeat(U&'\\+10FFFF', ${MAX_NAME_LENGTH}) and r.name > $4
     order by r.name limit $5`,
    [owner.projectId, owner.uid, prefix, page.after ?? '', page.limit],
    'content_list',
  );
  return rows.map((row) => ({ ...row, size: Number(row.size) }));
}

async function writeReferences(
  sql: Sql,
  owner: ContentOwner,
  items: readonly { readonly name: string; readonly locator: string }[],
  options: AttachOptions,
): Promise<void> {
  for (const { name } of items) checkName(name);
  const names = items.map((item) => item.name);
  const replaced =
    options.replace === true
      ? await sql.query<{ project_id: string; locator: string }>(
          `delete from kernel.blob_ref where project_id = $1 and owner = $2 and name = any($3)
           returning project_id, locator`,
          [owner.projectId, owner.uid, names],
          'content_replace',
        )
      : [];
  const written = await sql.query<{ name: string }>(
    `insert into kernel.blob_ref (project_id, owner, name, locator)
     select $1, $2, name, locator from unnest($3::text[], $4::text[]) as i (name, locator)
     on conflict do nothing returning name`,
    [owner.projectId, owner.uid, names, items.map((item) => item.locator)],
    'content_attach',
  );
  if (written.length < items.length) {
    const taken = names.find((name) => !written.some((row) => row.name === name));
    const first = taken ?? 'of two items';
    throw options.replace === true
      ? new DaisError('conflict', `another request created the name ${first}`)
      : new DaisError('already_exists', `content named ${first} already exists`);
  }
  await releaseHolds(sql, replaced);
}

function checkName(name: string): void {
  if (name === '' || name.length > MAX_NAME_LENGTH) {
    const detail = `the name of content must have 1 to ${MAX_NAME_LENGTH} characters, not ${name.length}`;
    throw new DaisError('invalid_request', detail);
  }
  if (CONTROL.test(name)) throw new DaisError('unsafe_path', `${JSON.stringify(name)} contains control characters`);
}
