/** Rows of multipart uploads. The bytes of a part are content of the upload, named by the part number. */
import { DaisError } from '@dais/api';
import type { Sql } from '#engines/database/contract.ts';
import type { DamagedReference, OwnerName } from '#kernel/content/owner-names.ts';
import type { ContentOwner } from '#kernel/content/references.ts';
import type { Transaction } from '#kernel/transaction.ts';

export interface UploadRow {
  readonly id: string;
  readonly path: string;
  readonly parts: number;
  readonly claim: string | null;
  /** A call is assembling it. */
  readonly claimed: boolean;
  readonly size: bigint | null;
  readonly sha256: string | null;
}

export interface PartRow {
  readonly number: number;
  readonly size: bigint;
  readonly sha256: string;
}

const COLUMNS =
  'id, path, parts, claim, coalesce(claim_until > clock_timestamp(), false) as claimed, size, sha256' as const;

export function partsOf(projectId: string, upload: string): ContentOwner {
  return { projectId, uid: upload, label: `upload ${upload}` };
}

/**
 * Returns an upload that has not expired, locked until the transaction ends. @throws DaisError `not_found`, also for one
 * that was started for another path.
 */
export async function lockUpload(
  { sql, projectId }: Transaction,
  { id, path }: { readonly id: string; readonly path?: string },
): Promise<UploadRow> {
  const [row] = await sql.query<UploadRow>(
    `select ${COLUMNS} from tracking.artifact_upload
     where project_id = $1 and id = $2 and expires_at > clock_timestamp() and ($3::text is null or path = $3)
     for no key update`,
    [projectId, id, path ?? null],
    'upload_lock',
  );
  if (row !== undefined) return row;
  throw new DaisError('not_found', `Upload ${id} does not exist, was aborted or has expired. Start the upload again.`);
}

export async function findByTicket(
  { sql, projectId }: Transaction,
  id: string,
  ticket: Buffer,
): Promise<UploadRow | undefined> {
  const [row] = await sql.query<UploadRow>(
    `select ${COLUMNS} from tracking.artifact_upload
     where project_id = $1 and id = $2 and ticket = $3 and expires_at > clock_timestamp()`,
    [projectId, id, ticket],
    'upload_by_ticket',
  );
  return row;
}

/** Returns the parts in order. */
export async function partRows({ sql }: Transaction, upload: string): Promise<PartRow[]> {
  return await sql.query<PartRow>(
    'select number, size, sha256 from tracking.artifact_upload_part where upload = $1 order by number',
    [upload],
    'upload_parts',
  );
}

/** Returns the bytes of all parts except one. */
export async function otherPartBytes({ sql }: Transaction, upload: string, number: number): Promise<number> {
  const [row] = await sql.query<{ bytes: bigint }>(
    `select coalesce(sum(size), 0)::bigint as bytes from tracking.artifact_upload_part
     where upload = $1 and number <> $2`,
    [upload, number],
    'upload_bytes',
  );
  return Number(row?.bytes ?? 0n);
}

/** Names multipart uploads by the artifact that they create. */
export async function nameUploadOwners(
  sql: Sql,
  references: readonly DamagedReference[],
): Promise<readonly OwnerName[]> {
  return await sql.query<OwnerName>(
    `select project_id as "projectId", id as owner, 'artifact upload' as kind, path as name
     from tracking.artifact_upload where id = any($1::uuid[])`,
    [[...new Set(references.map(({ owner }) => owner))]],
    'upload_content_owners',
  );
}
